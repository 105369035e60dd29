//! The user, as `accounts` resolved it.

use crate::spec::draft::Draft;
use crate::spec::error::SpecError;
use crate::spec::opt::Inputs;

/// Sets uid, gid and additional gids.
pub(crate) fn user(inputs: &Inputs<'_>, draft: &mut Draft) -> Result<(), SpecError> {
    let gids = &inputs.user.additional_gids;
    let user = draft.process.user_mut();
    user.set_uid(inputs.user.uid);
    user.set_gid(inputs.user.gid);
    user.set_additional_gids((!gids.is_empty()).then(|| gids.clone()));
    Ok(())
}
