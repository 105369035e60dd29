//! Reads the account files of an image out of the blobs of its layers.
//!
//! Nothing is unpacked:
//!
//! ```text
//! readers        a place to read, and the memory that comes with it
//! read         until both files are known:
//!   search       which layer must be read next, and which paths are watched in it?
//!     walk         one path through the views of all layers, as overlayfs merges them
//!   scan         reads that layer: blob -> decompress -> tar -> apply
//!     view         what the layer has at the watched paths
//!     work         how much work all of this may be, and whether it is still wanted
//! ```

mod apply;
mod decompress;
mod links;
mod read;
mod readers;
mod scan;
pub(super) mod search;
pub(crate) mod tar;
pub(super) mod view;
mod walk;
mod work;

pub use read::read_from_layers;
pub use readers::LayerReaders;
