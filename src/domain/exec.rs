//! Checked requests about a container that is there: another process in it, other limits for it.

use crate::domain::ids::{ContainerId, Namespace};
use crate::domain::request::Options;
use crate::domain::resources::Resources;

/// In which container another process is wanted.
#[derive(Debug, Clone)]
pub struct ExecRequest {
    /// Whose container it is.
    pub namespace: Namespace,
    /// The container's id.
    pub id: ContainerId,
    /// The name of the profile whose rules apply, or the default.
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
