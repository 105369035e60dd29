//! What a step of the assembly reads.

use crate::domain::host_facts::HostFacts;
use crate::domain::ids::ContainerId;
use crate::domain::image_rules::ImageRules;
use crate::domain::request::Options;
use crate::domain::sandbox::UserMounts;
use crate::image::metadata::config::{ContainerConfig, ImageConfig};
use crate::image::platform::Platform;
use crate::spec::allowance::Allowance;
use crate::spec::equipment::Equipment;
use crate::spec::profile::Seccomp;
use crate::users::user::ProcessUser;

/// What every step may read.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// The container's id.
    pub id: &'a ContainerId,
    /// The machine that will run the container.
    pub host: &'a HostFacts,
    /// The platform that the container runs on.
    pub platform: &'a Platform,
    /// The profile's seccomp policy.
    pub seccomp: &'a Seccomp,
    /// How the profile reads images.
    pub rules: ImageRules,
    /// What the profile makes of mounts that a user namespace cannot make.
    pub user_mounts: UserMounts,
    /// The image's configuration; nothing for an exec, which starts with the process of the container.
    pub image: Option<&'a ImageConfig>,
    /// What the caller changes.
    pub options: &'a Options,
    /// What was found on the host of what the options ask for.
    pub equipment: &'a Equipment,
    /// The user, in numbers; nothing where it stays as it is.
    pub user: Option<&'a ProcessUser>,
    /// What the work may take.
    pub allowance: Allowance<'a>,
}

impl<'a> Inputs<'a> {
    /// The part of the image's configuration that is about its containers.
    pub(crate) fn container(&self) -> Option<&'a ContainerConfig> {
        self.image.and_then(|image| image.container.as_ref())
    }

    /// Whether this is an exec: one more process in an existing container.
    pub(crate) fn is_exec(&self) -> bool {
        self.image.is_none()
    }
}
