//! The root filesystem.

use crate::spec::draft::Draft;
use crate::spec::error::SpecError;
use crate::spec::opt::Inputs;

/// Makes the root read-only, or not, says where it is, and how mounts are told to the host.
///
/// containerd: `oci.WithRootFSReadonly`, `oci.WithRootFSPath`.
pub(crate) fn rootfs(inputs: &Inputs<'_>, draft: &mut Draft) -> Result<(), SpecError> {
    let options = &inputs.options.root;
    if let Some(readonly) = options.readonly {
        draft.root.set_readonly(readonly.then_some(true));
    }
    if let Some(path) = &options.path {
        draft.root.set_path(path.into());
    }
    if let Some(propagation) = options.propagation {
        draft.linux.set_rootfs_propagation(Some(propagation.to_owned()));
    }
    Ok(())
}
