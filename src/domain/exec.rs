//! Checked requests about an existing container: one more process in it, other limits for it.

use crate::domain::ids::{ContainerId, Namespace};
use crate::domain::request::Options;
use crate::oci::Resources;

/// A request for one more process in a container.
#[derive(Debug, Clone)]
pub struct ExecRequest {
    /// containerd's namespace of the container.
    pub namespace: Namespace,
    /// The container's id.
    pub id: ContainerId,
    /// The name of the profile with the rules that apply, or the default.
    pub profile: Option<String>,
    /// What to change in the container's own process; nothing else is set.
    pub options: Options,
}

/// What a container is to be limited to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UpdateRequest {
    /// The limits.
    pub resources: Resources,
}
