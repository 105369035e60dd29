//! The limits of what is read, in one place.
//!
//! Image content is untrusted: nothing is read without one of these above it.

/// The longest image name, in bytes.
pub const IMAGE_NAME_BYTES: usize = 1024;

/// The most entries that an archive with an OCI image layout may have.
pub const LAYOUT_ENTRIES: usize = 30_000;

/// The largest index, manifest or configuration, in bytes.
pub const METADATA_BYTES: u64 = 4 << 20;

/// The most texts that the `config` of a configuration may have, in its lists and maps too.
pub const CONFIGURATION_TEXTS: usize = 10_000;

/// The most bytes that these texts may have together.
pub const CONFIGURATION_BYTES: usize = 2 << 20;

/// How deep an index may hold indexes.
pub const INDEX_DEPTH: usize = 8;

/// The most entries that the indexes on the way to a manifest may have together.
pub const INDEX_ENTRIES: usize = 30_000;

/// The most layers that an image may have. overlayfs itself ends at 500 lower directories.
pub const LAYERS: usize = 500;

/// The largest `/etc/passwd` or `/etc/group`, in bytes. containerd: `oci.maxUserFileBytes`.
pub const ACCOUNT_FILE_BYTES: u64 = 10 << 20;

/// The most symbolic links that are followed on the way to one file. containerd: `oci.resolveInRootFS`.
pub const SYMLINKS: usize = 40;

/// The largest layer once decompressed, in bytes.
pub const LAYER_BYTES: u64 = 64 << 30;

/// The most memory that the links of one layer may take while it is read, in bytes.
pub const LAYER_LINK_BYTES: usize = 32 << 20;

/// The most that the layers of one image may have together once decompressed, in bytes; a layer that is read
/// again counts again.
pub const IMAGE_BYTES: u64 = 256 << 30;

/// The most names that the paths of all entries may have while the layers of one image are read.
pub const IMAGE_NAMES: u64 = 64 << 20;

/// The most names that the paths may have to which links lead, while the layers of one image are read.
pub const IMAGE_LINK_NAMES: u64 = 4 << 20;

/// The most layers that are asked for the parts of the way to one file.
pub const WALK_STEPS: usize = 50_000;

/// The largest CDI specification, in bytes.
pub const CDI_FILE_BYTES: u64 = 4 << 20;

/// The most that all CDI specifications may hold together, in bytes.
pub const CDI_BYTES: u64 = 16 << 20;

/// The most CDI specifications.
pub const CDI_FILES: usize = 1000;

/// The most devices that may be named at a time, of the host and of CDI each.
pub const NAMED_DEVICES: usize = 256;

/// The longest path of a device, in bytes: what Linux's `PATH_MAX` leaves.
pub const DEVICE_PATH_BYTES: usize = 4095;

/// The most files of directories that a request may have looked at for devices.
pub const DEVICE_ENTRIES: usize = 65_536;

/// How deep directories of devices are walked.
pub const DEVICE_DEPTH: usize = 16;

/// The largest uid or gid. runc takes no more. containerd: `oci.WithUser`.
pub const MAX_ID: u32 = i32::MAX as u32;

/// The longest pair of a label's key and value that containerd stores, in bytes.
/// containerd: `labels.Validate`.
pub const LABEL_BYTES: usize = 4096;

/// The most elements that a request may have in all its lists and maps together.
pub const REQUEST_ELEMENTS: usize = 10_000;

/// The most values that a JSON text in a request may have: objects, lists and leaves.
pub const JSON_VALUES: usize = 20_000;

/// How deep a JSON text in a request may be nested.
pub const JSON_DEPTH: usize = 32;

/// The most violations that are collected. The rest is counted.
pub const VIOLATIONS: usize = 100;

/// The bound of a field of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// A text of at most so many bytes.
    Text(usize),
    /// A JSON text of at most so many bytes, also bounded by [`JSON_VALUES`] and [`JSON_DEPTH`].
    Json(usize),
    /// A list of at most so many elements.
    List(usize),
    /// A list of at most so many texts, and the bytes of each.
    Texts(usize, usize),
    /// A map of at most so many entries, and the bytes of each key and of each value that is a text.
    Map(usize, usize),
}

/// The longest name, in bytes.
const NAME: usize = 4096;

/// The longest path, in bytes.
const PATH: usize = 4096;

/// The longest list of CPUs or memory nodes, in bytes.
const CPUS: usize = 64 << 10;

/// The longest argument or variable, in bytes: Linux's `MAX_ARG_STRLEN`.
const ARGUMENT: usize = 128 << 10;

/// The most arguments, and the most variables.
const ARGUMENTS: usize = 8192;

/// The most id mappings. Linux: `UID_GID_MAP_MAX_EXTENTS`.
const ID_MAPPINGS: usize = 340;

/// The most elements of a list of resources.
const MANY: usize = 1000;

/// The bound of every list, map and text of a request of the API, by message and field.
pub const API: &[(&str, Bound)] = &[
    ("GenerateRequest.image", Bound::Text(NAME)),
    ("GenerateRequest.namespace", Bound::Text(NAME)),
    ("GenerateRequest.id", Bound::Text(NAME)),
    ("GenerateRequest.profile", Bound::Text(NAME)),
    ("GenerateRequest.snapshotter", Bound::Text(NAME)),
    ("GenerateRequest.snapshot_key", Bound::Text(NAME)),
    ("GenerateRequest.labels", Bound::Map(MANY, LABEL_BYTES)),
    ("GenerateProcessRequest.namespace", Bound::Text(NAME)),
    ("GenerateProcessRequest.id", Bound::Text(NAME)),
    ("GenerateProcessRequest.profile", Bound::Text(NAME)),
    ("Platform.os", Bound::Text(NAME)),
    ("Platform.architecture", Bound::Text(NAME)),
    ("Platform.variant", Bound::Text(NAME)),
    ("Platform.os_features", Bound::Texts(MANY, NAME)),
    ("SpecOptions.hostname", Bound::Text(NAME)),
    ("SpecOptions.domainname", Bound::Text(NAME)),
    ("SpecOptions.annotations", Bound::Map(MANY, 256 << 10)),
    ("SpecOptions.cdi_devices", Bound::Texts(NAMED_DEVICES, NAME)),
    ("SpecOptions.oci_version", Bound::Text(NAME)),
    ("InitOptions.path", Bound::Text(PATH)),
    ("SpecOptions.spec_merge_patch", Bound::Json(256 << 10)),
    ("ProcessOptions.command", Bound::Texts(ARGUMENTS, ARGUMENT)),
    ("ProcessOptions.entrypoint", Bound::Texts(ARGUMENTS, ARGUMENT)),
    ("ProcessOptions.env", Bound::Texts(ARGUMENTS, ARGUMENT)),
    ("ProcessOptions.cwd", Bound::Text(PATH)),
    ("ProcessOptions.rlimits", Bound::List(64)),
    ("Rlimit.type", Bound::Text(NAME)),
    ("Scheduler.flags", Bound::List(64)),
    ("CpuAffinity.initial", Bound::Text(CPUS)),
    ("CpuAffinity.final", Bound::Text(CPUS)),
    ("MemoryPolicy.nodes", Bound::Text(CPUS)),
    ("MemoryPolicy.flags", Bound::List(64)),
    ("UserOptions.user", Bound::Text(NAME)),
    ("UserOptions.username", Bound::Text(NAME)),
    ("UserOptions.additional_groups", Bound::Texts(MANY, NAME)),
    ("CapabilityOptions.set", Bound::Texts(256, NAME)),
    ("CapabilityOptions.add", Bound::Texts(256, NAME)),
    ("CapabilityOptions.drop", Bound::Texts(256, NAME)),
    ("CapabilityOptions.ambient", Bound::Texts(256, NAME)),
    ("RootOptions.path", Bound::Text(PATH)),
    ("MountOptions.remove", Bound::Texts(MANY, PATH)),
    ("MountOptions.add", Bound::List(MANY)),
    ("MountOptions.tmpfs", Bound::List(MANY)),
    ("Mount.destination", Bound::Text(PATH)),
    ("Mount.type", Bound::Text(NAME)),
    ("Mount.source", Bound::Text(PATH)),
    ("Mount.options", Bound::Texts(512, 16 << 10)),
    ("Mount.uid_mappings", Bound::List(ID_MAPPINGS)),
    ("Mount.gid_mappings", Bound::List(ID_MAPPINGS)),
    ("TmpfsMount.destination", Bound::Text(PATH)),
    ("TmpfsMount.options", Bound::Texts(512, 16 << 10)),
    ("LinuxNamespace.path", Bound::Text(PATH)),
    ("NamespaceOptions.uid_mappings", Bound::List(ID_MAPPINGS)),
    ("NamespaceOptions.gid_mappings", Bound::List(ID_MAPPINGS)),
    ("NamespaceOptions.net_devices", Bound::Map(MANY, NAME)),
    ("CgroupOptions.path", Bound::Text(PATH)),
    ("CgroupOptions.parent", Bound::Text(PATH)),
    ("SystemdCgroup.slice", Bound::Text(NAME)),
    ("SystemdCgroup.prefix", Bound::Text(NAME)),
    ("SystemdCgroup.name", Bound::Text(NAME)),
    ("ResourceOptions.hugepage_limits", Bound::Map(64, NAME)),
    ("ResourceOptions.unified", Bound::Map(MANY, 64 << 10)),
    ("ResourceOptions.rdma", Bound::Map(MANY, NAME)),
    ("CpuResources.cpus", Bound::Text(CPUS)),
    ("CpuResources.mems", Bound::Text(CPUS)),
    ("BlockIoResources.throttle_read_bps_device", Bound::List(MANY)),
    ("BlockIoResources.throttle_write_bps_device", Bound::List(MANY)),
    ("BlockIoResources.throttle_read_iops_device", Bound::List(MANY)),
    ("BlockIoResources.throttle_write_iops_device", Bound::List(MANY)),
    ("BlockIoResources.weight_device", Bound::List(MANY)),
    ("NetworkResources.priorities", Bound::List(MANY)),
    ("InterfacePriority.name", Bound::Text(NAME)),
    ("RdtResources.clos_id", Bound::Text(NAME)),
    ("RdtResources.schemata", Bound::Texts(MANY, NAME)),
    ("RdtResources.l3_cache_schema", Bound::Text(CPUS)),
    ("RdtResources.mem_bw_schema", Bound::Text(CPUS)),
    ("DeviceOptions.rules", Bound::List(MANY)),
    ("DeviceOptions.nodes", Bound::List(MANY)),
    ("DeviceOptions.host", Bound::List(NAMED_DEVICES)),
    ("DeviceRule.access", Bound::Text(NAME)),
    ("DeviceNode.path", Bound::Text(PATH)),
    ("HostDevice.path", Bound::Text(PATH)),
    ("HostDevice.container_path", Bound::Text(PATH)),
    ("HostDevice.permissions", Bound::Text(NAME)),
    ("SecurityOptions.masked_paths", Bound::Texts(MANY, PATH)),
    ("SecurityOptions.readonly_paths", Bound::Texts(MANY, PATH)),
    ("SecurityOptions.masked_paths_add", Bound::Texts(MANY, PATH)),
    ("SecurityOptions.masked_paths_remove", Bound::Texts(MANY, PATH)),
    ("SecurityOptions.readonly_paths_add", Bound::Texts(MANY, PATH)),
    ("SecurityOptions.readonly_paths_remove", Bound::Texts(MANY, PATH)),
    ("SecurityOptions.apparmor_profile", Bound::Text(NAME)),
    ("SecurityOptions.selinux_label", Bound::Text(NAME)),
    ("SecurityOptions.mount_label", Bound::Text(NAME)),
    ("SecurityOptions.sysctl", Bound::Map(MANY, NAME)),
    ("ExecSecurityOptions.apparmor_profile", Bound::Text(NAME)),
    ("ExecSecurityOptions.selinux_label", Bound::Text(NAME)),
    ("SeccompOptions.docker_policy", Bound::Json(256 << 10)),
    ("SeccompOptions.oci", Bound::Json(256 << 10)),
    ("RuntimeDefaultSeccomp.policy", Bound::Text(NAME)),
    ("HookOptions.prestart", Bound::List(256)),
    ("HookOptions.create_runtime", Bound::List(256)),
    ("HookOptions.create_container", Bound::List(256)),
    ("HookOptions.start_container", Bound::List(256)),
    ("HookOptions.poststart", Bound::List(256)),
    ("HookOptions.poststop", Bound::List(256)),
    ("Hook.path", Bound::Text(PATH)),
    ("Hook.args", Bound::Texts(MANY, ARGUMENT)),
    ("Hook.env", Bound::Texts(MANY, ARGUMENT)),
];

/// The longest lists of a spec that a merge patch may set, by their name in the spec.
pub const SPEC_LISTS: &[(&str, usize)] = &[
    ("env", ARGUMENTS),
    ("args", ARGUMENTS),
    ("uidMappings", ID_MAPPINGS),
    ("gidMappings", ID_MAPPINGS),
    ("rlimits", 64),
    ("namespaces", 64),
    ("flags", 64),
    ("bounding", 64),
    ("effective", 64),
    ("inheritable", 64),
    ("permitted", 64),
    ("ambient", 64),
];

/// The longest of all other lists of a spec that a merge patch may set.
pub const SPEC_LIST: usize = MANY;
