//! Account files out of the layers of images that are written here.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod archive;
mod formats;
mod hostile;
mod links;
mod model;
mod overlay;
mod stack;
mod store;
#[path = "../support/mod.rs"]
mod support;
mod unpacked;
