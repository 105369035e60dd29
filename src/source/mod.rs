//! Where the bytes of images come from.
//!
//! The seam is [`crate::image::source`]; here are the stores behind it, and a decorator. None of them
//! verifies or parses a blob: that is `image`'s.

pub mod containerd;
pub mod metered;
pub mod oci_layout;
