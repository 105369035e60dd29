//! Spec building: a profile, an image and options in, the bytes of a runtime spec out.
//!
//! Pure: what is read here has been fetched before.

pub mod assemble;
mod beyond;
pub mod draft;
pub mod encode;
pub mod error;
pub mod exec;
mod go_order;
mod kept;
pub mod merge_patch;
pub mod opt;
mod options;
pub mod profile;
pub mod resources;
pub mod seccomp;
mod versions;

pub use assemble::assemble;
pub use encode::{Encoded, encode};
pub use error::SpecError;
pub use opt::Inputs;
pub use profile::{Profile, Profiles, ProfilesError};
