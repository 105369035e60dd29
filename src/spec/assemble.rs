//! The assembly: every step, in its order.

use crate::domain::ids::Namespace;
use crate::domain::origin::UserOrigins;
use crate::domain::violation::Violations;
use crate::spec::draft::Draft;
use crate::spec::error::SpecError;
use crate::spec::opt::{Inputs, SpecOpt};
use crate::spec::options::{
    annotations, args, capabilities, cdi, cgroup, cwd, devices, env, hardening, hooks, hostname,
    image, limits, mounts, namespaces, oci_version, privileged, rdt, resources, rootfs, scheduling,
    seccomp, sysctl, terminal, user,
};
use crate::spec::profile::Profile;

/// THE list: what is done to a profile's base spec, from the first to the last.
pub const STEPS: [(&str, SpecOpt); 25] = [
    ("image", image::image),
    ("args", args::args),
    ("env", env::env),
    ("cwd", cwd::cwd),
    ("terminal", terminal::terminal),
    ("limits", limits::limits),
    ("scheduling", scheduling::scheduling),
    ("user", user::user),
    ("privileged", privileged::privileged),
    ("capabilities", capabilities::capabilities),
    ("rootfs", rootfs::rootfs),
    ("mounts", mounts::mounts),
    ("namespaces", namespaces::namespaces),
    ("hostname", hostname::hostname),
    ("cgroup", cgroup::cgroup),
    ("resources", resources::resources),
    ("rdt", rdt::rdt),
    ("devices", devices::devices),
    ("hardening", hardening::hardening),
    ("sysctl", sysctl::sysctl),
    ("seccomp", seccomp::seccomp),
    ("annotations", annotations::annotations),
    ("hooks", hooks::hooks),
    ("cdi", cdi::cdi),
    ("oci_version", oci_version::oci_version),
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
    run(&STEPS, inputs, &mut draft)?;
    Ok(draft)
}

/// The same, with a journal of who sets what; who the user is was found out before.
///
/// # Errors
///
/// As [`assemble`].
pub fn assemble_explained(
    profile: &Profile,
    namespace: &Namespace,
    inputs: &Inputs<'_>,
    user: UserOrigins,
) -> Result<Draft, SpecError> {
    let mut draft = profile.draft_explained(namespace, inputs.id, inputs.host)?;
    draft.user_is_from(user);
    run(&STEPS, inputs, &mut draft)?;
    Ok(draft)
}

/// Takes steps one after the other, and collects what they refuse.
pub(crate) fn run<'a>(
    steps: impl IntoIterator<Item = &'a (&'static str, SpecOpt)>,
    inputs: &Inputs<'_>,
    draft: &mut Draft,
) -> Result<(), SpecError> {
    let mut violations = Violations::default();
    for (name, step) in steps {
        draft.begins(name);
        match step(inputs, draft) {
            Ok(()) => {}
            Err(SpecError::Request(found)) => violations.extend(found),
            Err(
                other @ (SpecError::Image(_) | SpecError::Stored(_) | SpecError::Profile { .. }),
            ) => return Err(other),
        }
    }
    if violations.is_empty() { Ok(()) } else { Err(violations.into()) }
}
