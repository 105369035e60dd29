//! CDI devices.

use crate::spec::cdi;
use crate::spec::draft::Draft;
use crate::spec::error::SpecError;
use crate::spec::opt::Inputs;

/// Makes the edits of the devices that were named.
///
/// containerd: `cdi.WithCDIDevices`.
pub(crate) fn cdi(inputs: &Inputs<'_>, draft: &mut Draft) -> Result<(), SpecError> {
    if inputs.options.cdi_devices.is_empty() {
        return Ok(());
    }
    cdi::apply(&inputs.equipment.cdi, &inputs.equipment.cdi_nodes, draft)
}
