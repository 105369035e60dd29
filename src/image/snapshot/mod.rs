//! The account files of an image, out of a snapshot that it was unpacked to.

pub mod account_files;
mod directory;
pub mod key;
mod mounts;
pub mod reader;
