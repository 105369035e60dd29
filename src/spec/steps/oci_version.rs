//! The version that the spec states.

use crate::domain::origin::Origin;
use crate::oci::KNOWN_VERSIONS;
use crate::spec::assembly::Assembly;
use crate::spec::error::SpecError;
use crate::spec::inputs::Inputs;

/// Sets the version, which must be a released one.
///
/// A runtime compares it with its own version and may refuse a newer one: crun 1.8 refuses those above 1.1.
pub(super) fn oci_version(inputs: &Inputs<'_>, assembly: &mut Assembly) -> Result<(), SpecError> {
    let Some(version) = &inputs.options.oci_version else {
        return Ok(());
    };
    if !KNOWN_VERSIONS.contains(&version.as_str()) {
        let known = KNOWN_VERSIONS.join(", ");
        let text = format!("unknown version {version:?} of the runtime spec, known are {known}");
        return Err(SpecError::field("options.oci_version", text));
    }
    assembly.spec.oci_version.clone_from(version);
    assembly.attribute_value("/ociVersion", || Origin::option("oci_version"));
    Ok(())
}
