//! The user, as `accounts` resolved it.

use crate::domain::origin::Origin;
use crate::spec::draft::Draft;
use crate::spec::error::SpecError;
use crate::spec::opt::Inputs;

/// Sets uid, gid, additional gids and the umask; where no user was resolved it stays.
///
/// containerd: `oci.WithUser`, `oci.WithUmask`.
pub(crate) fn user(inputs: &Inputs<'_>, draft: &mut Draft) -> Result<(), SpecError> {
    let user = draft.process.user_mut();
    if let Some(resolved) = inputs.user {
        let gids = &resolved.additional_gids;
        user.set_uid(resolved.uid);
        user.set_gid(resolved.gid);
        user.set_additional_gids((!gids.is_empty()).then(|| gids.clone()));
    }
    if inputs.options.user.umask.is_some() {
        user.set_umask(inputs.options.user.umask);
        draft.set_by("/process/user/umask", || Origin::option("user.umask"));
    }
    draft.explain_user();
    Ok(())
}
