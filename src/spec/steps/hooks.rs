//! Programs that the runtime runs.

use super::{Assembly, Attribution, Change, Inputs, Origin, SpecError, snake_case};
use crate::oci::Hooks;

/// Adds hooks, each list after the profile's.
pub(super) fn hooks(inputs: &Inputs<'_>, assembly: &mut Assembly) -> Result<(), SpecError> {
    let added = &inputs.options.hooks;
    if *added == Hooks::default() {
        return Ok(());
    }
    let hooks = assembly.spec.hooks.get_or_insert_default();
    let before = hooks.lists().map(|(name, list)| (name, list.len()));
    hooks.append(added.clone());
    assembly.attribute("/hooks", || {
        move |change: &Change<'_>| {
            let list = change.pointer.strip_prefix("/hooks/")?.split('/').next()?;
            let before = before.iter().find(|(name, _)| *name == list).map_or(0, |(_, len)| *len);
            let index = change.index_in(&format!("/hooks/{list}"))?.checked_sub(before)?;
            Some(Attribution::Set(Origin::message(
                format_args!("hooks.{}[{index}]", snake_case(list)),
                3,
            )))
        }
    });
    Ok(())
}
