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

/// The longest text of a request, in bytes, unless [`API`] has another bound: what a path may have.
pub const TEXT: usize = 4096;

/// The most elements that a list or map of a request may have, unless [`API`] has another bound.
pub const ELEMENTS: usize = 1000;

/// The longest list of CPUs or memory nodes, in bytes.
const CPUS: usize = 64 << 10;

/// The longest argument or variable, in bytes: Linux's `MAX_ARG_STRLEN`.
const ARGUMENT: usize = 128 << 10;

/// The most arguments, and the most variables.
const ARGUMENTS: usize = 8192;

/// The most id mappings. Linux: `UID_GID_MAP_MAX_EXTENTS`.
const ID_MAPPINGS: usize = 340;

/// The bounds of the API's fields that differ from [`TEXT`] and [`ELEMENTS`], by message and field, or by message for all
/// its fields that have a bound.
pub const API: &[(&str, Bound)] = &[
    ("SpecOptions.annotations", Bound::Map(ELEMENTS, 256 << 10)),
    ("SpecOptions.cdi_devices", Bound::Texts(NAMED_DEVICES, TEXT)),
    ("SpecOptions.spec_merge_patch", Bound::Json(256 << 10)),
    ("ProcessOptions.command", Bound::Texts(ARGUMENTS, ARGUMENT)),
    ("ProcessOptions.entrypoint", Bound::Texts(ARGUMENTS, ARGUMENT)),
    ("ProcessOptions.env", Bound::Texts(ARGUMENTS, ARGUMENT)),
    ("ProcessOptions.rlimits", Bound::List(64)),
    ("Scheduler.flags", Bound::List(64)),
    ("CpuAffinity", Bound::Text(CPUS)),
    ("MemoryPolicy.nodes", Bound::Text(CPUS)),
    ("MemoryPolicy.flags", Bound::List(64)),
    ("CapabilityOptions", Bound::Texts(256, TEXT)),
    ("Mount.options", Bound::Texts(512, 16 << 10)),
    ("Mount.uid_mappings", Bound::List(ID_MAPPINGS)),
    ("Mount.gid_mappings", Bound::List(ID_MAPPINGS)),
    ("TmpfsMount.options", Bound::Texts(512, 16 << 10)),
    ("NamespaceOptions.uid_mappings", Bound::List(ID_MAPPINGS)),
    ("NamespaceOptions.gid_mappings", Bound::List(ID_MAPPINGS)),
    ("ResourceOptions.hugepage_limits", Bound::Map(64, TEXT)),
    ("ResourceOptions.unified", Bound::Map(ELEMENTS, 64 << 10)),
    ("CpuResources", Bound::Text(CPUS)),
    ("RdtResources.l3_cache_schema", Bound::Text(CPUS)),
    ("RdtResources.mem_bw_schema", Bound::Text(CPUS)),
    ("DeviceOptions.host", Bound::List(NAMED_DEVICES)),
    ("SeccompOptions", Bound::Json(256 << 10)),
    ("HookOptions", Bound::List(256)),
    ("Hook.args", Bound::Texts(ELEMENTS, ARGUMENT)),
    ("Hook.env", Bound::Texts(ELEMENTS, ARGUMENT)),
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
pub const SPEC_LIST: usize = ELEMENTS;
