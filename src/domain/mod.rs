//! The words that all parts share: plain data and the rules that hold on it.
//!
//! No I/O, no `async`, no wire types and no oci-spec here.

pub mod cdi_files;
pub mod cdi_name;
pub mod cwd;
pub mod env;
pub mod exec;
pub mod hooks;
pub mod host_device;
pub mod host_facts;
pub mod ids;
pub mod image_rules;
pub mod labels;
pub mod limits;
pub mod origin;
pub mod rdt;
pub mod request;
pub mod resources;
pub mod rlimit;
pub mod sandbox;
pub mod scheduling;
pub mod stated_devices;
pub mod sysctl;
pub mod violation;

// The old place of what moved, until every part uses the new one.
pub use crate::image::metadata::config as image_config;
pub use crate::image::snapshot::key as snapshot;
pub use crate::image::{digest, platform, reference as image_ref};
pub use crate::users::user;
