//! The limits of what is read, in one place.
//!
//! Image content is untrusted: nothing is read without one of these above it.

/// The longest image name, in bytes.
pub const IMAGE_NAME_BYTES: usize = 1024;

/// The largest index, manifest or configuration, in bytes.
pub const METADATA_BYTES: u64 = 4 << 20;

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
