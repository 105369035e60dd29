//! Mounts beside the profile's own.

use crate::spec::draft::Draft;
use crate::spec::error::SpecError;
use crate::spec::opt::Inputs;
use oci_spec::runtime::Mount;
use std::path::Path;

/// Adds the host's resolver files, where asked for.
///
/// containerd: `oci.WithHostResolvconf`, `oci.WithHostHostsFile`.
pub(crate) fn mounts(inputs: &Inputs<'_>, draft: &mut Draft) -> Result<(), SpecError> {
    if inputs.options.vm_network {
        for path in ["/etc/resolv.conf", "/etc/hosts"] {
            add(&mut draft.mounts, readonly_bind(path));
        }
    }
    Ok(())
}

/// A file of the host at the same place in the container.
fn readonly_bind(path: &str) -> Mount {
    let mut mount = Mount::default();
    mount
        .set_destination(path.into())
        .set_typ(Some("bind".to_owned()))
        .set_source(Some(path.into()))
        .set_options(Some(vec!["rbind".to_owned(), "ro".to_owned()]));
    mount
}

/// Adds a mount in the place of one with the same destination, which would only lie hidden below it.
fn add(mounts: &mut Vec<Mount>, mount: Mount) {
    let destination: &Path = mount.destination();
    mounts.retain(|other| other.destination() != destination);
    mounts.push(mount);
}
