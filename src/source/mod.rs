//! Where the bytes of images come from.
//!
//! The seam is [`crate::image::source`]; here are the stores behind it. None of them verifies or parses a
//! blob.

pub mod containerd;
