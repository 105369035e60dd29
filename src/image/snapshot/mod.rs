//! Reads the account files of an image out of a snapshot that it was unpacked to.
//!
//! ```text
//! fallback     the layers, or a snapshot if they are gone
//! files          holds a snapshot in the store while it is read
//! read             mounts -> directories -> the search of `layers`
//! ```

#[cfg(feature = "server")]
mod directory;
#[cfg(feature = "server")]
mod fallback;
#[cfg(feature = "server")]
mod files;
pub mod key;
#[cfg(feature = "server")]
mod mounts;
#[cfg(feature = "server")]
mod read;

#[cfg(feature = "server")]
pub use fallback::SnapshotFallback;
#[cfg(feature = "server")]
pub use files::{SnapshotFiles, SnapshotRules};
#[cfg(feature = "server")]
pub use read::read_from_mounts;
