//! The user, in numbers.

use super::{Assembly, Inputs, Origin, SpecError, set_given};

/// Sets uid, gid, additional gids and the umask; without a resolved user they stay.
///
/// containerd: `oci.WithUser`, `oci.WithUmask`.
pub(super) fn user(inputs: &Inputs<'_>, assembly: &mut Assembly) -> Result<(), SpecError> {
    if let Some(resolved) = inputs.user {
        let user = &mut assembly.process().user;
        user.uid = resolved.uid;
        user.gid = resolved.gid;
        user.additional_gids.clone_from(&resolved.additional_gids);
    }
    let umask = inputs.options.user.umask.map(Some);
    set_given!(assembly, "/process/user/umask", "user.umask", umask => process().user.umask);
    Ok(())
}
