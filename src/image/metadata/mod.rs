//! The metadata of an image: index, manifest and configuration, read from their JSON.
//!
//! Pure: bytes in, plain data out. `describe` reads the blobs and follows them.

#[cfg(feature = "server")]
pub mod chain_id;
pub mod config;
mod descriptor;
pub mod go_json;
pub mod healthcheck;
pub mod index;
pub mod manifest;
pub mod media_type;
