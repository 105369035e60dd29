//! Spec building: a profile, an image and options in, the bytes of a runtime spec out.
//!
//! Pure: everything that is read here was fetched before.

mod allowance;
pub mod assemble;
pub mod assembly;
mod blame;
pub mod cdi;
pub mod encode;
pub mod equipment;
pub mod error;
pub mod exec;
pub mod facts;
pub mod inputs;
pub mod merge_patch;
pub mod profile;
mod provenance;
pub mod rules;
pub mod seccomp;
mod snapshot_labels;
pub mod steps;
pub mod update;

pub use allowance::Allowance;
pub use assemble::{Attempt, BrokenSpec, attempt, check_profile, explain, generate};
pub use encode::{Encoded, Finished};
pub use equipment::Equipment;
pub use error::SpecError;
pub use facts::SpecFacts;
pub use inputs::Inputs;
pub use profile::{NODE, Profile, Profiles, ProfilesError};
pub use provenance::compare::differences;
