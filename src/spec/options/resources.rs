//! What the container may use up.

use crate::spec::draft::{Draft, from_json, to_json};
use crate::spec::error::SpecError;
use crate::spec::merge_patch;
use crate::spec::opt::Inputs;

/// Merges the limits over the profile's, each by itself.
///
/// containerd: `oci.WithMemoryLimit`, `oci.WithMemorySwap`, `oci.WithPidsLimit`, `oci.WithCPUShares`,
/// `oci.WithCPUCFS`, `oci.WithCPURT`, `oci.WithCPUBurst`, `oci.WithCPUs`, `oci.WithCPUsMems`,
/// `oci.WithBlockIO`.
pub(crate) fn resources(inputs: &Inputs<'_>, draft: &mut Draft) -> Result<(), SpecError> {
    let patch = to_json(&inputs.options.resources)?;
    if patch.as_object().is_some_and(serde_json::Map::is_empty) {
        return Ok(());
    }
    let mut resources = to_json(draft.linux.resources())?;
    merge_patch::apply(&mut resources, patch);
    draft.linux.set_resources(Some(from_json(resources)?));
    Ok(())
}
