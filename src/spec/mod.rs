//! Spec building: a profile, an image and options in, the bytes of a runtime spec out.
//!
//! Pure: what is read here has been fetched before.

pub mod assemble;
pub mod cdi;
mod device_list;
pub mod draft;
pub mod encode;
pub mod equipment;
pub mod error;
pub mod merge_patch;
pub mod opt;
mod options;
pub mod profile;
pub mod seccomp;

pub use assemble::assemble;
pub use encode::{Encoded, encode};
pub use equipment::Equipment;
pub use error::SpecError;
pub use opt::Inputs;
pub use profile::{Profile, Profiles};
