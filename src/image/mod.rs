//! What an image is made of: index, manifest, configuration and layers, over any source of bytes.
//!
//! Where the bytes come from is `source`'s; what the account files mean is `accounts`'.

mod apply;
pub mod blob;
pub mod chain_id;
pub mod config_json;
pub mod describe;
pub mod descriptor_json;
mod directory;
pub mod files;
pub mod go_json;
pub mod go_list;
pub mod go_syntax;
pub mod go_time;
mod layer;
pub mod media_type;
pub mod memo;
mod mount;
pub mod reader;
mod root_path;
mod search;
pub mod snapshot;
pub mod snapshot_files;
pub mod snapshot_reader;
pub mod source;
pub mod source_reader;
mod tar;
mod tree;
mod view;
