//! A request that has been checked.
//!
//! Invariant: what is here is well formed by itself; whether it fits the image is found out later.

use crate::domain::ids::{ContainerId, Namespace};
use crate::domain::image_ref::ImageName;
use crate::domain::platform::Platform;
use crate::domain::snapshot::SnapshotChoice;
use crate::domain::user::{Account, UserSpec};

/// For which container a spec is wanted.
#[derive(Debug, Clone)]
pub struct Request {
    /// The image to run.
    pub image: ImageName,
    /// Whose image it is, and whose container it becomes.
    pub namespace: Namespace,
    /// The container's id.
    pub id: ContainerId,
    /// The profile's name, or the default.
    pub profile: Option<String>,
    /// The platform, or the node's own.
    pub platform: Option<Platform>,
    /// What to change.
    pub options: Options,
    /// Which snapshot may be read for account files.
    pub snapshot: SnapshotChoice,
}

/// What to change in the profile and the image's configuration; what is absent changes nothing.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What runs.
    pub process: ProcessOptions,
    /// As whom.
    pub user: UserOptions,
    /// Whether the root is read-only.
    pub root_readonly: Option<bool>,
    /// Whether the host's resolver files are mounted.
    pub vm_network: bool,
    /// The host name in the UTS namespace.
    pub hostname: Option<String>,
}

/// Changes to the process.
#[derive(Debug, Clone, Default)]
pub struct ProcessOptions {
    /// Instead of the image's Cmd.
    pub command: Option<Vec<String>>,
    /// Instead of the image's Entrypoint and Cmd.
    pub entrypoint: Option<Vec<String>>,
    /// `KEY=value` to set, `KEY` to unset.
    pub env: Vec<String>,
    /// An absolute path.
    pub cwd: Option<String>,
    /// Whether a terminal is attached.
    pub terminal: Option<bool>,
}

/// Changes to the user.
#[derive(Debug, Clone, Default)]
pub struct UserOptions {
    /// Instead of the image's USER.
    pub user: Option<UserSpec>,
    /// Groups to add.
    pub additional_groups: Vec<Account>,
}
