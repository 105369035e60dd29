//! What an image is, over any store: its configuration, and the account files in it.
//!
//! ```text
//! CachedReader           cache           descriptions by digest, account files by chain ID and layers
//!   SnapshotFallback     snapshot        account files of a snapshot, if the layers are gone or a
//!     |                                  request names it
//!     StoreReader        store_reader    describe: index -> manifest -> configuration   (metadata)
//!                                        account files out of the layers                (layers)
//!       ImageStore       crate::store
//! ```
//!
//! Each of the three is an [`ImageReader`]. Every blob is read through [`blob`], which verifies it.
//! What the account files mean is decided in `users`.

mod account_files;
#[cfg(feature = "server")]
pub mod blob;
#[cfg(feature = "server")]
pub mod cache;
#[cfg(feature = "server")]
mod describe;
mod descriptor;
pub mod digest;
#[cfg(feature = "server")]
mod error;
#[cfg(feature = "server")]
pub mod layers;
#[cfg(feature = "server")]
mod low_priority;
pub mod metadata;
pub mod platform;
#[cfg(feature = "server")]
mod reader;
pub mod reference;
pub mod snapshot;
#[cfg(feature = "server")]
mod store_reader;

pub use account_files::{AccountFiles, NeededFiles};
pub use descriptor::Descriptor;
#[cfg(feature = "server")]
pub use error::ImageError;
#[cfg(feature = "server")]
pub use reader::{Description, ImageReader};
#[cfg(feature = "server")]
pub use store_reader::StoreReader;
