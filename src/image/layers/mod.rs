//! Reads the account files of an image out of the blobs of its layers.
//!
//! Nothing is unpacked:
//!
//! ```text
//! read         until both files are known:
//!   search       which layer must be read next, and which paths are watched in it?
//!     walk         one path through the views of all layers, as overlayfs merges them
//!   scan         reads that layer: blob -> decompress -> tar -> apply
//!     view         what the layer has at the watched paths
//! ```

mod apply;
mod decompress;
mod read;
mod scan;
pub(super) mod search;
pub(super) mod tar;
pub(super) mod view;
mod walk;

pub use read::read_from_layers;
