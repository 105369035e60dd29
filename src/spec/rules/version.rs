//! The version of the runtime spec.

use super::Findings;
use crate::oci::{Spec, place};

/// The version is one of the versions that the rules are about.
pub(super) fn version(spec: &Spec, findings: &mut Findings) {
    let mut parts = spec.oci_version.split(['.', '-', '+']);
    let is_major = parts.next() == Some("1");
    let is_minor = parts.next().is_some_and(|part| part.parse::<u32>().is_ok());
    if !is_major || !is_minor {
        let text = "must be a version of the runtime spec, for example 1.1.0";
        findings.add(place!["ociVersion"], text);
    }
}
