//! What the container may use up.

use crate::spec::draft::Draft;
use crate::spec::error::SpecError;
use crate::spec::opt::Inputs;
use crate::spec::resources::merged;

/// Merges the limits over the profile's, each by itself.
///
/// containerd: `oci.WithMemoryLimit`, `oci.WithMemorySwap`, `oci.WithPidsLimit`, `oci.WithCPUShares`,
/// `oci.WithCPUCFS`, `oci.WithCPURT`, `oci.WithCPUBurst`, `oci.WithCPUs`, `oci.WithCPUsMems`,
/// `oci.WithBlockIO`.
pub(crate) fn resources(inputs: &Inputs<'_>, draft: &mut Draft) -> Result<(), SpecError> {
    let limits = merged(draft.linux.resources().as_ref(), &inputs.options.resources)?;
    draft.linux.set_resources(limits);
    Ok(())
}
