//! Cache and memory bandwidth.

use super::{Assembly, Inputs, Origin, SpecError};

/// Sets the class of service and its schemata. The profile's are replaced as a whole.
///
/// containerd: `oci.WithRdt`.
pub(super) fn rdt(inputs: &Inputs<'_>, assembly: &mut Assembly) -> Result<(), SpecError> {
    if let Some(rdt) = &inputs.options.rdt {
        assembly.linux().intel_rdt = Some(rdt.clone());
        assembly.attribute_changes(|| Origin::message("resources.rdt", 2));
    }
    Ok(())
}
