//! What surrounds the process: mounts, namespaces, the control group, devices, in the words of the OCI
//! runtime specification.
//!
//! The names that these types serialize to are the specification's.

use serde::Serialize;

// The old name, until every part uses the new one.
pub use crate::paths::clean as cleaned;

/// A mount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Mount {
    /// Where, an absolute path.
    pub destination: String,
    /// The filesystem's type.
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// What.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// How.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// How user ids are mapped.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub uid_mappings: Vec<IdMapping>,
    /// How group ids are mapped.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gid_mappings: Vec<IdMapping>,
}

/// A range of ids and what it is outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct IdMapping {
    /// The first id inside.
    #[serde(rename = "containerID")]
    pub container_id: u32,
    /// The first id outside.
    #[serde(rename = "hostID")]
    pub host_id: u32,
    /// How many.
    pub size: u32,
}

/// The mappings of a list that overlap, or that leave the numbers there are.
///
/// # Errors
///
/// A sentence on the first that does.
pub fn check_mappings(mappings: &[IdMapping]) -> Result<(), String> {
    let range = |first: u32, size: u32| u64::from(first)..u64::from(first) + u64::from(size);
    let overlap =
        |a: &std::ops::Range<u64>, b: &std::ops::Range<u64>| a.start < b.end && b.start < a.end;
    for (index, mapping) in mappings.iter().enumerate() {
        let inside = range(mapping.container_id, mapping.size);
        let outside = range(mapping.host_id, mapping.size);
        if mapping.size == 0 {
            return Err(format!("mapping {index} is of no id"));
        }
        if inside.end.max(outside.end) > u64::from(u32::MAX) {
            return Err(format!("mapping {index} leaves the range of ids"));
        }
        for (earlier, other) in mappings[..index].iter().enumerate() {
            if overlap(&inside, &range(other.container_id, other.size))
                || overlap(&outside, &range(other.host_id, other.size))
            {
                return Err(format!("mapping {index} overlaps mapping {earlier}"));
            }
        }
    }
    Ok(())
}

/// The kinds of namespaces, in the order in which they are changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NamespaceKind {
    /// The kind `pid`.
    Pid,
    /// The kind `ipc`.
    Ipc,
    /// The kind `uts`.
    Uts,
    /// The kind `mount`.
    Mount,
    /// The kind `network`.
    Network,
    /// The kind `cgroup`.
    Cgroup,
    /// The kind `user`.
    User,
    /// The kind `time`.
    Time,
}

impl NamespaceKind {
    /// The name, as the specification has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pid => "pid",
            Self::Ipc => "ipc",
            Self::Uts => "uts",
            Self::Mount => "mount",
            Self::Network => "network",
            Self::Cgroup => "cgroup",
            Self::User => "user",
            Self::Time => "time",
        }
    }
}

/// Whose a namespace is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamespaceOf {
    /// The container's own.
    Private,
    /// The host's.
    Host,
    /// The one at a path.
    Path(String),
}

/// The difference of a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct TimeOffset {
    /// Seconds.
    #[serde(skip_serializing_if = "is_none")]
    pub secs: i64,
    /// Nanoseconds to add.
    #[serde(skip_serializing_if = "is_none")]
    pub nanosecs: u32,
}

fn is_none<T: Default + PartialEq>(number: &T) -> bool {
    *number == T::default()
}

/// Where the container stands among the control groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cgroup {
    /// A path.
    Path(String),
    /// A unit of systemd: slice, prefix, name; an empty name is the container's id.
    Systemd {
        /// The slice.
        slice: String,
        /// What comes before the name.
        prefix: String,
        /// The name.
        name: String,
    },
}

/// A rule on devices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeviceRule {
    /// Whether it allows.
    pub allow: bool,
    /// `a`, `c` or `b`; nothing for any.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<char>,
    /// The major number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub major: Option<i64>,
    /// The minor number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minor: Option<i64>,
    /// Letters of `rwm`.
    pub access: String,
}

/// A device node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceNode {
    /// Where, an absolute path.
    pub path: String,
    /// `c` or `b`.
    #[serde(rename = "type")]
    pub kind: char,
    /// The major number.
    pub major: i64,
    /// The minor number.
    pub minor: i64,
    /// The permissions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_mode: Option<u32>,
    /// The owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    /// The group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gid: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(container_id: u32, host_id: u32, size: u32) -> IdMapping {
        IdMapping { container_id, host_id, size }
    }

    #[test]
    fn mappings_may_touch_and_not_overlap() {
        assert!(check_mappings(&[mapping(0, 1000, 10), mapping(10, 2000, 5)]).is_ok());
        assert!(check_mappings(&[mapping(0, 1000, 10), mapping(9, 2000, 5)]).is_err());
        assert!(check_mappings(&[mapping(0, 1000, 10), mapping(20, 1009, 5)]).is_err());
        assert!(check_mappings(&[mapping(0, 0, 0)]).is_err());
        assert!(check_mappings(&[mapping(1, u32::MAX, 1)]).is_err());
        assert!(check_mappings(&[mapping(0, 0, u32::MAX)]).is_ok());
    }
}
