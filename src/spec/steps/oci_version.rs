//! The version that the spec states.

use super::{Assembly, Inputs, Origin, SpecError, set_given};
use crate::oci::KNOWN_VERSIONS;

/// Sets the version, which must be a released one.
///
/// A runtime compares it with its own version and may refuse a newer one: crun 1.8 refuses those above 1.1.
pub(super) fn oci_version(inputs: &Inputs<'_>, assembly: &mut Assembly) -> Result<(), SpecError> {
    let options = inputs.options;
    if let Some(version) = &options.oci_version
        && !KNOWN_VERSIONS.contains(&version.as_str())
    {
        let known = KNOWN_VERSIONS.join(", ");
        let text = format!("unknown version {version:?} of the runtime spec, known are {known}");
        return Err(SpecError::field("options.oci_version", text));
    }
    set_given!(assembly, "/ociVersion", "oci_version", options.oci_version => spec.oci_version);
    Ok(())
}
