//! The assembly: every step, in its order.

use crate::domain::ids::{ContainerId, Namespace};
use crate::domain::violation::Violations;
use crate::spec::draft::Draft;
use crate::spec::error::SpecError;
use crate::spec::opt::{Inputs, SpecOpt};
use crate::spec::options::{
    args, cwd, env, hostname, image, mounts, namespaces, rootfs, terminal, user,
};
use crate::spec::profile::Profile;

/// THE list: what is done to a profile's base spec, from the first to the last.
pub const STEPS: [(&str, SpecOpt); 10] = [
    ("image", image::image),
    ("args", args::args),
    ("env", env::env),
    ("cwd", cwd::cwd),
    ("terminal", terminal::terminal),
    ("user", user::user),
    ("rootfs", rootfs::rootfs),
    ("mounts", mounts::mounts),
    ("hostname", hostname::hostname),
    ("namespaces", namespaces::namespaces),
];

/// Makes the spec of one container.
///
/// # Errors
///
/// The first refusal of the image, or else every refusal of the request at once.
pub fn assemble(
    profile: &Profile,
    namespace: &Namespace,
    id: &ContainerId,
    inputs: &Inputs<'_>,
) -> Result<Draft, SpecError> {
    let mut draft = profile.draft(namespace, id)?;
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
