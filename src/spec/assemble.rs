//! The assembly: every step, in its order.

use crate::domain::ids::Namespace;
use crate::domain::violation::Violations;
use crate::spec::draft::Draft;
use crate::spec::error::SpecError;
use crate::spec::opt::{Inputs, SpecOpt};
use crate::spec::options::{
    annotations, args, capabilities, cdi, cgroup, cwd, devices, env, hardening, hostname, image,
    limits, mounts, namespaces, privileged, resources, rootfs, seccomp, terminal, user,
};
use crate::spec::profile::Profile;

/// THE list: what is done to a profile's base spec, from the first to the last.
pub const STEPS: [(&str, SpecOpt); 20] = [
    ("image", image::image),
    ("args", args::args),
    ("env", env::env),
    ("cwd", cwd::cwd),
    ("terminal", terminal::terminal),
    ("limits", limits::limits),
    ("user", user::user),
    ("privileged", privileged::privileged),
    ("capabilities", capabilities::capabilities),
    ("rootfs", rootfs::rootfs),
    ("mounts", mounts::mounts),
    ("namespaces", namespaces::namespaces),
    ("hostname", hostname::hostname),
    ("cgroup", cgroup::cgroup),
    ("resources", resources::resources),
    ("devices", devices::devices),
    ("hardening", hardening::hardening),
    ("seccomp", seccomp::seccomp),
    ("annotations", annotations::annotations),
    ("cdi", cdi::cdi),
];

/// Makes the spec of one container.
///
/// # Errors
///
/// The first refusal of the image, or else every refusal of the request at once.
pub fn assemble(
    profile: &Profile,
    namespace: &Namespace,
    inputs: &Inputs<'_>,
) -> Result<Draft, SpecError> {
    let mut draft = profile.draft(namespace, inputs.id, inputs.host)?;
    let mut violations = Violations::default();
    for (_, step) in STEPS {
        match step(inputs, &mut draft) {
            Ok(()) => {}
            Err(SpecError::Request(found)) => violations.extend(found),
            Err(other @ (SpecError::Image(_) | SpecError::Profile { .. })) => return Err(other),
        }
    }
    if violations.is_empty() { Ok(draft) } else { Err(violations.into()) }
}
