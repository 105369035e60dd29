//! The account files of an image, out of the blobs of its layers.
//!
//! Nothing is unpacked: `scan` reads one layer and notes in a `view` what it says of the paths that matter,
//! and `walk` follows one path through the views of all layers, as overlayfs shows it.

mod apply;
mod decompress;
mod read;
mod scan;
pub(super) mod search;
pub(super) mod tar;
pub(super) mod view;
mod walk;

pub use read::read_from_layers;
