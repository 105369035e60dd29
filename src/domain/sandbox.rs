//! What surrounds the process: namespaces and the control group.

/// The kinds of namespaces, in the order in which they are changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// What becomes of mounts that a user namespace cannot make by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum UserMounts {
    /// They stay, and are refused.
    #[default]
    Keep,
    /// They become ones that it can make.
    Rewrite,
}

/// What a profile adds to its spec by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Additions {
    /// A private cgroup namespace, on a host that has control groups of version 2.
    pub cgroup_namespace_on_v2: bool,
    /// The variables of Docker's daemon, before those of the request and the image.
    pub docker_environment: bool,
}

/// What a namespace is set to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamespaceTarget {
    /// A new one.
    Private,
    /// The host's: none in the spec.
    Host,
    /// The one at a path.
    Path(String),
}

/// The container's control group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CgroupPath {
    /// A path.
    Path(String),
    /// The path of the group above, or a slice of systemd.
    Parent(String),
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
