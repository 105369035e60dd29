//! Spec building: a profile, an image and options in, the bytes of a runtime spec out.
//!
//! Pure: what is read here has been fetched before.

pub mod assemble;
mod beyond;
pub mod cdi;
mod device_list;
pub mod draft;
pub mod encode;
pub mod equipment;
pub mod error;
pub mod exec;
mod go_order;
mod journal;
mod kept;
pub mod merge_patch;
pub mod opt;
mod options;
pub mod profile;
pub mod resources;
pub mod seccomp;
pub mod validate;
mod versions;

pub use assemble::{assemble, assemble_explained};
pub use encode::{Encoded, encode, encode_explained};
pub use equipment::Equipment;
pub use error::SpecError;
pub use journal::compare::differences;
pub use opt::Inputs;
pub use profile::{Profile, Profiles, ProfilesError};
