//! What a step of the assembly is.

use crate::domain::host_facts::HostFacts;
use crate::domain::ids::ContainerId;
use crate::domain::image_config::{ContainerConfig, ImageConfig};
use crate::domain::image_rules::ImageRules;
use crate::domain::platform::Platform;
use crate::domain::request::Options;
use crate::domain::user::ProcessUser;
use crate::spec::draft::Draft;
use crate::spec::equipment::Equipment;
use crate::spec::error::SpecError;
use crate::spec::profile::Seccomp;

/// What every step may look at.
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
    /// The image's configuration; nothing for one more process of a container that is there, where the
    /// draft begins with the container's own and what is not asked for stays.
    pub image: Option<&'a ImageConfig>,
    /// What the caller changes.
    pub options: &'a Options,
    /// What was found on the host of what the options ask for.
    pub equipment: &'a Equipment,
    /// The user, in numbers; nothing where it stays as it is.
    pub user: Option<&'a ProcessUser>,
}

impl<'a> Inputs<'a> {
    /// The image's own wishes, where it has any.
    pub(crate) fn container(&self) -> Option<&'a ContainerConfig> {
        self.image.and_then(|image| image.container.as_ref())
    }

    /// Whether it is one more process of a container that is there.
    pub(crate) fn is_exec(&self) -> bool {
        self.image.is_none()
    }
}

/// One step: it reads the inputs and edits the draft, and does nothing else.
pub type SpecOpt = fn(&Inputs<'_>, &mut Draft) -> Result<(), SpecError>;
