//! The user, in numbers.

use crate::domain::origin::Origin;
use crate::spec::assembly::Assembly;
use crate::spec::error::SpecError;
use crate::spec::inputs::Inputs;

/// Sets uid, gid, additional gids and the umask; without a resolved user they stay.
///
/// containerd: `oci.WithUser`, `oci.WithUmask`.
pub(super) fn user(inputs: &Inputs<'_>, assembly: &mut Assembly) -> Result<(), SpecError> {
    let user = &mut assembly.process().user;
    if let Some(resolved) = inputs.user {
        user.uid = resolved.uid;
        user.gid = resolved.gid;
        user.additional_gids.clone_from(&resolved.additional_gids);
    }
    if let Some(umask) = inputs.options.user.umask {
        user.umask = Some(umask);
        assembly.attribute_value("/process/user/umask", || Origin::option("user.umask"));
    }
    Ok(())
}
