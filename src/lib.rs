//! specd: OCI runtime specs as a service.

pub mod domain;
pub mod image;
pub mod pb;
pub mod source;
