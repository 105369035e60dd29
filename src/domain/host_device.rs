//! Devices of the host: what is asked about a path, and what lies there.
//!
//! Which files of a directory count is decided here, so that it holds alike for a directory that is read
//! and for a list of devices that was stated. Nothing here reads.

use serde::{Deserialize, Serialize};

// The old name, until every part uses the new one.
pub use crate::paths::join as below;

/// Names of directories that are not walked into. containerd: `oci.getDevices`.
const NOT_WALKED: [&str; 7] = ["pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev"];

/// A device node of the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HostNode {
    /// Where, an absolute path.
    pub path: String,
    /// `c`, `b`, or `p` for a named pipe.
    #[serde(rename = "type")]
    pub kind: char,
    /// The major number.
    pub major: i64,
    /// The minor number.
    pub minor: i64,
    /// The permissions.
    pub file_mode: u32,
    /// The owner.
    #[serde(default)]
    pub uid: u32,
    /// The group.
    #[serde(default)]
    pub gid: u32,
}

/// How a path is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// The file itself.
    Node,
    /// The file itself, or a directory's devices; a link to a directory is one.
    Tree,
    /// The same, once every symbolic link is resolved.
    Resolved,
}

/// What is asked about one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// The path, absolute.
    pub path: String,
    /// How it is looked at.
    pub look: Look,
}

impl Lookup {
    /// A question about one path.
    pub fn new(path: impl Into<String>, look: Look) -> Self {
        Self { path: path.into(), look }
    }
}

/// What lies at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A device, or a named pipe.
    Node(HostNode),
    /// A directory, and the devices in it, by the order of their paths.
    Directory {
        /// Where, without what makes no difference.
        path: String,
        /// The devices.
        nodes: Vec<HostNode>,
    },
    /// Nothing.
    Absent,
    /// A symbolic link, which was not to be followed.
    Link,
    /// Something else, in words.
    Other(&'static str),
    /// It cannot be seen, for this reason.
    Unreadable(String),
}

impl Found {
    /// Why there is no device at a path, as the end of a sentence.
    #[must_use]
    pub fn why_none(&self) -> String {
        match self {
            Self::Absent => "does not exist on the host".to_owned(),
            Self::Link => "is a symbolic link and not followed, name what it leads to".to_owned(),
            Self::Node(_) => "is a named pipe and no device".to_owned(),
            Self::Directory { .. } => "is a directory and no device".to_owned(),
            Self::Other(what) => format!("is {what} and no device"),
            Self::Unreadable(reason) => format!("cannot be looked at: {reason}"),
        }
    }
}

/// Whether a directory of that name is walked into.
#[must_use]
pub fn is_walked(name: &str) -> bool {
    !NOT_WALKED.contains(&name)
}

/// Whether a file of that name and kind counts where a directory is walked.
#[must_use]
pub fn counts(name: &str, kind: char) -> bool {
    name != "console" && kind != 'p'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_walk_leaves_out() {
        assert!(is_walked("input") && !is_walked("pts") && !is_walked(".udev"));
        assert!(counts("null", 'c') && !counts("console", 'c') && !counts("initctl", 'p'));
    }
}
