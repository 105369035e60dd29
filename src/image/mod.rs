//! What an image is made of: index, manifest, configuration and layers, over any source of bytes.
//!
//! Where the bytes come from is `source`'s; what the account files mean is `accounts`'.

pub mod blob;
pub mod go_json;
pub mod go_list;
pub mod go_syntax;
pub mod reader;
pub mod source;
