//! What an image is made of: index, manifest, configuration and layers, out of any store.
//!
//! Where the bytes come from is `store`'s; what the account files mean is `users`'.

mod account_files;
pub mod blob;
pub mod cache;
mod describe;
mod descriptor;
pub mod digest;
mod error;
pub mod layers;
pub mod metadata;
pub mod platform;
mod reader;
pub mod reference;
pub mod snapshot;
mod store_reader;

pub use account_files::{AccountFiles, NeededFiles};
pub use descriptor::Descriptor;
pub use error::ImageError;
pub use reader::{Description, ImageReader};
pub use store_reader::StoreReader;
