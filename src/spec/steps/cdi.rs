//! CDI devices.

use super::{Assembly, Inputs, SpecError};
use crate::spec::cdi;

/// Makes the edits of the requested devices.
///
/// containerd: `cdi.WithCDIDevices`.
pub(super) fn cdi(inputs: &Inputs<'_>, assembly: &mut Assembly) -> Result<(), SpecError> {
    if inputs.options.cdi_devices.is_empty() {
        return Ok(());
    }
    cdi::apply(&inputs.equipment.cdi, &inputs.equipment.cdi_nodes, assembly)
}
