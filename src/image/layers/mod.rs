//! The account files of an image, out of the blobs of its layers.

pub mod account_files;
mod apply;
mod scan;
pub(super) mod search;
pub(super) mod tar;
pub(super) mod view;
mod walk;
