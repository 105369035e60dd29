//! What an image's metadata says: index, manifest and configuration, out of their JSON.
//!
//! Pure: bytes in, plain data out. Reading the blobs is `blob`'s, following them is `describe`'s.

pub mod chain_id;
pub mod config;
mod descriptor;
pub mod go_json;
pub mod index;
pub mod manifest;
pub mod media_type;
