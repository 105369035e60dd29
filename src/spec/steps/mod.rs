//! The steps of the assembly, one concern a file, and the order in which they are taken.

mod annotations;
mod args;
mod capabilities;
mod cdi;
mod cgroup;
mod cwd;
pub(super) mod devices;
mod env;
mod hardening;
mod hooks;
mod hostname;
mod image;
mod init;
mod limits;
mod mounts;
mod namespaces;
mod oci_version;
mod privileged;
mod rdt;
pub(super) mod resources;
mod rootfs;
mod rootless;
mod scheduling;
mod seccomp;
mod sysctl;
mod terminal;
mod user;
mod user_mounts;

// What most steps use.
use crate::domain::origin::{Origin, snake_case};
use crate::spec::assembly::Assembly;
use crate::spec::error::SpecError;
use crate::spec::inputs::Inputs;
use crate::spec::provenance::{Attribution, Change};
use Scope::{Container, Process};

/// Sets a field of the spec to the value of an option that is given: the pointer, the option, its value, and the field of the
/// assembly.
macro_rules! set_given {
    ($assembly:ident, $pointer:literal, $option:literal, $given:expr => $($field:tt)+) => {
        if let Some(value) = &$given {
            $assembly.$($field)+.clone_from(value);
            $assembly.attribute_value($pointer, || Origin::option($option));
        }
    };
}
use set_given;

/// What a step is about: the whole container, or a process, which an exec has too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The container.
    Container,
    /// A process.
    Process,
}

/// One step: it reads the inputs and edits the spec, and does nothing else.
#[derive(Debug)]
pub struct Step {
    /// The name, by which `Explain` refers to the step.
    pub name: &'static str,
    /// What the step is about.
    pub scope: Scope,
    pub(super) run: fn(&Inputs<'_>, &mut Assembly) -> Result<(), SpecError>,
}

const fn step(
    name: &'static str,
    scope: Scope,
    run: fn(&Inputs<'_>, &mut Assembly) -> Result<(), SpecError>,
) -> Step {
    Step { name, scope, run }
}

/// All steps, in order. The first edits the profile's spec.
pub const STEPS: [Step; 28] = [
    step("image", Container, image::image),
    step("args", Process, args::args),
    step("env", Process, env::env),
    step("cwd", Process, cwd::cwd),
    step("terminal", Process, terminal::terminal),
    step("limits", Process, limits::limits),
    step("scheduling", Process, scheduling::scheduling),
    step("user", Process, user::user),
    step("privileged", Container, privileged::privileged),
    step("capabilities", Process, capabilities::capabilities),
    step("rootfs", Container, rootfs::rootfs),
    step("mounts", Container, mounts::mounts),
    step("rootless", Container, rootless::rootless),
    step("namespaces", Container, namespaces::namespaces),
    step("user_mounts", Container, user_mounts::user_mounts),
    step("init", Container, init::init),
    step("hostname", Container, hostname::hostname),
    step("cgroup", Container, cgroup::cgroup),
    step("resources", Container, resources::resources),
    step("rdt", Container, rdt::rdt),
    step("devices", Container, devices::devices),
    step("hardening", Process, hardening::hardening),
    step("sysctl", Container, sysctl::sysctl),
    step("seccomp", Container, seccomp::seccomp),
    step("annotations", Container, annotations::annotations),
    step("hooks", Container, hooks::hooks),
    step("cdi", Container, cdi::cdi),
    step("oci_version", Container, oci_version::oci_version),
];
