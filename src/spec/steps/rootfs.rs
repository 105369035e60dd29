//! The root filesystem.

use crate::domain::origin::Origin;
use crate::spec::assembly::Assembly;
use crate::spec::error::SpecError;
use crate::spec::inputs::Inputs;

/// Sets whether the root is read-only, its path, and its mount propagation.
///
/// containerd: `oci.WithRootFSReadonly`, `oci.WithRootFSPath`.
pub(super) fn rootfs(inputs: &Inputs<'_>, assembly: &mut Assembly) -> Result<(), SpecError> {
    let options = &inputs.options.root;
    if let Some(readonly) = options.readonly {
        assembly.spec.root_mut().readonly = readonly;
        assembly.attribute_value("/root/readonly", || Origin::option("root.readonly"));
    }
    if let Some(path) = &options.path {
        assembly.spec.root_mut().path.clone_from(path);
        assembly.attribute_value("/root/path", || Origin::option("root.path"));
    }
    if let Some(propagation) = &options.propagation {
        assembly.linux().rootfs_propagation.clone_from(propagation);
        assembly.attribute_value("/linux/rootfsPropagation", || Origin::option("root.propagation"));
    }
    Ok(())
}
