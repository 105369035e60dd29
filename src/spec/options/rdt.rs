//! Cache and memory bandwidth.

use crate::spec::draft::{Draft, to_json};
use crate::spec::error::SpecError;
use crate::spec::opt::Inputs;
use serde_json::json;

/// Sets the class of service and its schemata, in the place of the profile's.
///
/// containerd: `oci.WithRdt`.
pub(crate) fn rdt(inputs: &Inputs<'_>, draft: &mut Draft) -> Result<(), SpecError> {
    let Some(rdt) = &inputs.options.rdt else {
        return Ok(());
    };
    draft.merge_linux(json!({ "intelRdt": null }))?;
    draft.merge_linux(json!({ "intelRdt": to_json(rdt)? }))
}
