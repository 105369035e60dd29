//! Annotations of the spec.

use crate::domain::origin::Origin;
use crate::spec::draft::Draft;
use crate::spec::error::SpecError;
use crate::spec::journal::{Change, Said};
use crate::spec::opt::Inputs;

/// Sets annotations, over those of the profile.
///
/// containerd: `oci.WithAnnotations`.
pub(crate) fn annotations(inputs: &Inputs<'_>, draft: &mut Draft) -> Result<(), SpecError> {
    let added = &inputs.options.annotations;
    if !added.is_empty() {
        let mut annotations = draft.annotations().clone().unwrap_or_default();
        annotations.extend(added.clone());
        draft.set_annotations(annotations);
        draft.explain("/annotations", || {
            |change: &Change<'_>| {
                let key = change.key_in("/annotations").filter(|key| added.contains_key(key))?;
                Some(Said::Set(Origin::option(format_args!("annotations[{key:?}]"))))
            }
        });
    }
    Ok(())
}
