//! Reads the account files of an image out of a snapshot that it was unpacked to.
//!
//! ```text
//! fallback     the layers, or a snapshot if they are gone
//! files          holds a snapshot in the store while it is read
//! read             mounts -> directories -> the search of `layers`
//! ```

mod directory;
mod fallback;
mod files;
pub mod key;
mod mounts;
mod read;

pub use fallback::SnapshotFallback;
pub use files::{SnapshotFiles, SnapshotRules};
pub use read::read_from_mounts;
