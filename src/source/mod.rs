//! Where bytes come from: the implementations of [`crate::image::source::ImageSource`].
//!
//! What the bytes mean, and whether they are the right ones, is `image`'s.

pub mod metered;
pub mod oci_layout;
