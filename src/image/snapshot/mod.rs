//! The account files of an image, out of a snapshot that it was unpacked to.

mod directory;
mod fallback;
mod files;
pub mod key;
mod mounts;
mod read;

pub use fallback::SnapshotFallback;
pub use files::{SnapshotFiles, SnapshotRules};
pub use read::read_from_mounts;
