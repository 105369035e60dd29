//! Annotations of the spec.

use super::{Assembly, Attribution, Change, Inputs, Origin, SpecError};

/// Sets annotations, over those of the profile.
///
/// containerd: `oci.WithAnnotations`.
pub(super) fn annotations(inputs: &Inputs<'_>, assembly: &mut Assembly) -> Result<(), SpecError> {
    let added = &inputs.options.annotations;
    if !added.is_empty() {
        assembly.spec.annotations.extend(added.clone());
        assembly.attribute("/annotations", || {
            |change: &Change<'_>| {
                let key = change.key_in("/annotations").filter(|key| added.contains_key(key))?;
                Some(Attribution::Set(Origin::option(format_args!("annotations[{key:?}]"))))
            }
        });
    }
    Ok(())
}
