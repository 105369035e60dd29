//! The steps of the assembly, one concern a file.
//!
//! Each file exports one step of the same name; `assemble` lists them.

pub(crate) mod annotations;
pub(crate) mod args;
pub(crate) mod capabilities;
pub(crate) mod cdi;
pub(crate) mod cgroup;
pub(crate) mod cwd;
pub(crate) mod devices;
pub(crate) mod env;
pub(crate) mod hardening;
pub(crate) mod hooks;
pub(crate) mod hostname;
pub(crate) mod image;
pub(crate) mod limits;
pub(crate) mod mounts;
pub(crate) mod namespaces;
pub(crate) mod oci_version;
pub(crate) mod privileged;
pub(crate) mod rdt;
pub(crate) mod resources;
pub(crate) mod rootfs;
pub(crate) mod scheduling;
pub(crate) mod seccomp;
pub(crate) mod sysctl;
pub(crate) mod terminal;
pub(crate) mod user;
