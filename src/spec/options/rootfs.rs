//! The root filesystem.

use crate::domain::origin::Origin;
use crate::spec::draft::Draft;
use crate::spec::error::SpecError;
use crate::spec::opt::Inputs;

/// Makes the root read-only, or not.
///
/// containerd: `oci.WithRootFSReadonly`.
pub(crate) fn rootfs(inputs: &Inputs<'_>, draft: &mut Draft) -> Result<(), SpecError> {
    if let Some(readonly) = inputs.options.root_readonly {
        draft.root.set_readonly(readonly.then_some(true));
        draft.set_by("/root/readonly", || Origin::option("root.readonly"));
    }
    Ok(())
}
