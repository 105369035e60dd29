//! What an image is made of: index, manifest, configuration and layers, over any source of bytes.
//!
//! Where the bytes come from is `store`'s; what the account files mean is `users`'.

pub mod blob;
pub mod cache;
pub mod deadline;
pub mod describe;
pub mod digest;
pub mod layers;
pub mod metadata;
pub mod platform;
pub mod reader;
pub mod reference;
pub mod snapshot;
pub mod store_reader;
pub mod tally;
