//! What an image is made of: index, manifest, configuration and layers, over any source of bytes.
//!
//! Where the bytes come from is `source`'s; what the account files mean is `accounts`'.

mod apply;
pub mod blob;
pub mod files;
mod layer;
pub mod reader;
mod root_path;
pub mod source;
mod tar;
mod tree;
mod view;
