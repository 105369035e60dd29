//! CDI, the Container Device Interface: from the bytes of specifications and the names of devices to edits
//! of a spec. Reading the files, and looking at the devices that they name, is somebody else's.
//!
//! The rules are those of the version that containerd 2.4 is built with.

mod apply;
mod model;
mod plan;
mod read;
mod validate;
mod version;

pub(crate) use apply::apply;
pub use plan::{Plan, plan};
