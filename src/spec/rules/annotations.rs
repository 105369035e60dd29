//! The annotations.

use super::Findings;
use crate::oci::{Spec, place};

/// No annotation has an empty key.
pub(super) fn keys(spec: &Spec, findings: &mut Findings) {
    if spec.annotations.contains_key("") {
        findings.add(place!["annotations", ""], "should have a key");
    }
}
