//! A request that has been checked.
//!
//! Invariant: what is here is well formed by itself; whether it fits the image is found out later.

use crate::domain::cdi_name::CdiName;
use crate::domain::ids::{ContainerId, Namespace};
use crate::domain::sandbox::{CgroupPath, NamespaceKind, NamespaceTarget, UserMounts};
use crate::image::platform::Platform;
use crate::image::reference::ImageName;
use crate::image::snapshot::key::SnapshotChoice;
use crate::oci;
use crate::users::user::{Account, UserSpec};
use std::collections::BTreeMap;

/// The profile of a request that names none, unless the server is configured with another.
pub const DEFAULT_PROFILE: &str = "function";

/// The container that a spec is wanted for.
#[derive(Debug, Clone)]
pub struct Request {
    /// What is looked up in each call.
    pub names: Names,
    /// The container's id.
    pub id: ContainerId,
    /// The platform, or the node's own.
    pub platform: Option<Platform>,
    /// What to change.
    pub options: Box<Options>,
    /// Which snapshot may be read for account files.
    pub snapshot: SnapshotChoice,
    /// Labels of the container, which replace the image's.
    pub labels: BTreeMap<String, String>,
}

/// The names of what is looked up in each call.
#[derive(Debug, Clone)]
pub struct Names {
    /// The image to run.
    pub image: ImageName,
    /// containerd's namespace of the image and of the container.
    pub namespace: Namespace,
    /// The profile's name, or the default.
    pub profile: Option<String>,
}

/// What to change in the profile and the image's configuration; what is absent changes nothing.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The process.
    pub process: ProcessOptions,
    /// The user.
    pub user: UserOptions,
    /// The capabilities.
    pub capabilities: CapabilityOptions,
    /// The root filesystem.
    pub root: RootOptions,
    /// The mounts.
    pub mounts: MountOptions,
    /// The host name in the UTS namespace.
    pub hostname: Option<String>,
    /// The domain name in the UTS namespace.
    pub domainname: Option<String>,
    /// The namespaces.
    pub namespaces: NamespaceOptions,
    /// The control group.
    pub cgroup: Option<CgroupPath>,
    /// Resource limits.
    pub resources: oci::Resources,
    /// Cache and memory bandwidth.
    pub rdt: Option<oci::IntelRdt>,
    /// The devices.
    pub devices: DeviceOptions,
    /// Hardening.
    pub security: SecurityOptions,
    /// Annotations to set.
    pub annotations: BTreeMap<String, String>,
    /// Hooks to add.
    pub hooks: oci::Hooks,
    /// What a runtime needs that an ordinary user runs.
    pub rootless: Option<Rootless>,
    /// The version of the runtime spec to state.
    pub oci_version: Option<String>,
    /// CDI devices, by fully qualified names.
    pub cdi_devices: Vec<CdiName>,
    /// The path on the host of a program that runs in front of the container's process.
    pub init: Option<String>,
    /// A merge patch on the finished spec, as JSON.
    pub merge_patch: Option<String>,
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
    /// The size of the terminal.
    pub console_size: Option<oci::ConsoleSize>,
    /// Resource limits.
    pub rlimits: Vec<oci::Rlimit>,
    /// The adjustment of the kernel's score.
    pub oom_score_adj: Option<i32>,
    /// Fields of the process that replace the profile's, each as a whole.
    pub replaced: oci::Process,
    /// The same for fields of the Linux section.
    pub replaced_linux: oci::Linux,
}

/// Changes to the user.
#[derive(Debug, Clone, Default)]
pub struct UserOptions {
    /// Instead of the image's USER.
    pub user: Option<UserSpec>,
    /// Whether it was given as a name alone.
    pub by_username: bool,
    /// Whether the groups that list the user are left out.
    pub without_groups: bool,
    /// Groups to add.
    pub additional_groups: Vec<Account>,
    /// The mask of permissions.
    pub umask: Option<u32>,
}

/// Changes to the capabilities, by name, in the order in which they are made.
#[derive(Debug, Clone, Default)]
pub struct CapabilityOptions {
    /// Instead of the profile's.
    pub set: Option<Vec<String>>,
    /// To add, or `ALL`.
    pub add: Vec<String>,
    /// To remove, or `ALL`.
    pub drop: Vec<String>,
    /// The ambient set.
    pub ambient: Vec<String>,
}

/// Changes to the root.
#[derive(Debug, Clone, Default)]
pub struct RootOptions {
    /// Whether it is read-only.
    pub readonly: Option<bool>,
    /// The mount propagation, by its name in the runtime spec.
    pub propagation: Option<String>,
    /// Where it is.
    pub path: Option<String>,
}

/// Changes to the mounts.
#[derive(Debug, Clone, Default)]
pub struct MountOptions {
    /// Whether the host's resolver files are mounted.
    pub vm_network: bool,
    /// Destinations to unmount.
    pub remove: Vec<String>,
    /// The size of `/dev/shm`.
    pub dev_shm_size_kb: Option<u64>,
    /// Whether the host's time zone is mounted.
    pub host_localtime: bool,
    /// Whether sysfs is writable.
    pub writable_sysfs: bool,
    /// Whether cgroup mounts are writable.
    pub writable_cgroupfs: bool,
    /// Whether the image's volumes are filesystems in memory.
    pub image_volumes_in_memory: bool,
    /// Filesystems in memory, to add before the others.
    pub tmpfs: Vec<oci::Mount>,
    /// To add.
    pub add: Vec<oci::Mount>,
}

/// Changes to the namespaces.
#[derive(Debug, Clone, Default)]
pub struct NamespaceOptions {
    /// The namespaces to set, in the order in which they are set.
    pub set: Vec<(NamespaceKind, NamespaceTarget)>,
    /// User ids of the user namespace.
    pub uid_mappings: Vec<oci::IdMapping>,
    /// Group ids of the user namespace.
    pub gid_mappings: Vec<oci::IdMapping>,
    /// One range of ids for both instead: from 0 in the container, the first on the host, and how many.
    pub user_range: Option<oci::IdMapping>,
    /// What becomes of mounts that a user namespace cannot make, or the profile's.
    pub user_mounts: Option<UserMounts>,
    /// Offsets of clocks, by the clock.
    pub time_offsets: BTreeMap<String, oci::TimeOffset>,
    /// Network devices to move into the container, by the name on the host.
    pub net_devices: BTreeMap<String, oci::NetDevice>,
}

/// A runtime that an ordinary user runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rootless {
    /// The uid and the gid of the user; nothing where the runtime runs in a user namespace already.
    pub user: Option<(u32, u32)>,
}

/// Changes to the devices.
#[derive(Debug, Clone, Default)]
pub struct DeviceOptions {
    /// Whether every rule is dropped first.
    pub inherit_rules: bool,
    /// Whether the usual devices are allowed.
    pub allow_default: bool,
    /// Whether every device is.
    pub allow_all: bool,
    /// Rules to add.
    pub rules: Vec<oci::DeviceRule>,
    /// Nodes to make.
    pub nodes: Vec<oci::Device>,
    /// Devices of the host.
    pub host: Vec<HostDevice>,
    /// Whether every device of the host is there.
    pub all_host: bool,
}

/// A device of the host, or a directory of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostDevice {
    /// Where on the host.
    pub path: String,
    /// Where in the container, if not at the same place.
    pub container_path: Option<String>,
    /// Letters of `rwm`.
    pub access: String,
    /// Whether symbolic links are followed.
    pub follow_symlinks: bool,
}

/// A product's definition of a privileged container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Privileged {
    /// containerd's.
    Containerd,
    /// Docker's.
    Docker,
}

/// Changes to what hardens the container.
#[derive(Debug, Clone, Default)]
pub struct SecurityOptions {
    /// Whether hardening is removed, and by which definition.
    pub privileged: Option<Privileged>,
    /// The hidden paths.
    pub masked_paths: Option<Box<PathChanges>>,
    /// The read-only paths.
    pub readonly_paths: Option<Box<PathChanges>>,
    /// Whether no privilege can be gained.
    pub no_new_privileges: Option<bool>,
    /// The AppArmor profile.
    pub apparmor_profile: Option<String>,
    /// The SELinux label.
    pub selinux_label: Option<String>,
    /// The SELinux label of files in mounts.
    pub mount_label: Option<String>,
    /// Kernel parameters.
    pub sysctl: BTreeMap<String, String>,
    /// The filter of system calls.
    pub seccomp: Option<SeccompOption>,
}

/// Changes to a list of paths, in the order in which they are made.
#[derive(Debug, Clone, Default)]
pub struct PathChanges {
    /// Instead of the profile's.
    pub set: Option<Vec<String>>,
    /// To remove.
    pub remove: Vec<String>,
    /// To add.
    pub add: Vec<String>,
}

/// Which filter of system calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SeccompOption {
    /// A default policy by its name, or the profile's.
    RuntimeDefault(Option<String>),
    /// No filter.
    Unconfined,
    /// A policy in Docker's format, as JSON.
    Docker(String),
    /// An OCI seccomp object, as JSON.
    Oci(String),
}
