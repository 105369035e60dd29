//! Where the bytes of images come from.
//!
//! The seams are the traits here; beside them are the stores behind them, and a decorator. None of them
//! verifies or parses a blob: that is `image`'s.

pub mod container_store;
pub mod containerd;
pub mod image_store;
pub mod metered;
pub mod oci_layout;
pub mod snapshot_store;
