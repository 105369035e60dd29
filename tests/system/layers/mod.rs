//! Account files out of the layers of images that are written here.

mod formats;
mod hostile;
mod links;
mod model;
mod overlay;
mod stack;
mod store;
mod unpacked;
