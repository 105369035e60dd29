//! The version that the spec states.

use crate::spec::draft::Draft;
use crate::spec::error::SpecError;
use crate::spec::opt::Inputs;
use crate::spec::versions::KNOWN;
use serde_json::json;

/// Sets the version, which must be one that was released, or that a profile states.
///
/// A runtime compares it with its own and refuses a newer one: crun 1.8 anything above 1.1.
pub(crate) fn oci_version(inputs: &Inputs<'_>, draft: &mut Draft) -> Result<(), SpecError> {
    let Some(version) = &inputs.options.oci_version else {
        return Ok(());
    };
    if !KNOWN.contains(&version.as_str()) {
        let text = format!("{version:?} is no version, known are {}", KNOWN.join(", "));
        return Err(SpecError::field("options.oci_version", text));
    }
    draft.merge_rest(json!({ "ociVersion": version }))
}
