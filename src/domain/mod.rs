//! The words that all parts share: plain data and the rules that hold on it.
//!
//! No I/O, no `async`, no wire types and no oci-spec here.

pub mod capability;
pub mod cdi_files;
pub mod cdi_name;
pub mod cwd;
pub mod encoding;
pub mod env;
pub mod exec;
pub mod host_device;
pub mod host_facts;
pub mod ids;
pub mod image_rules;
pub mod json_size;
pub mod labels;
pub mod limits;
pub mod origin;
pub mod request;
pub mod rlimit;
pub mod sandbox;
pub mod similar;
pub mod stated_devices;
pub mod sysctl;
pub mod violation;
