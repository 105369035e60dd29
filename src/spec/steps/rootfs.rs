//! The root filesystem.

use super::{Assembly, Inputs, Origin, SpecError, set_given};

/// Sets whether the root is read-only, its path, and its mount propagation.
///
/// containerd: `oci.WithRootFSReadonly`, `oci.WithRootFSPath`.
pub(super) fn rootfs(inputs: &Inputs<'_>, assembly: &mut Assembly) -> Result<(), SpecError> {
    let options = &inputs.options.root;
    set_given!(assembly, "/root/readonly", "root.readonly", options.readonly => spec.root_mut().readonly);
    set_given!(assembly, "/root/path", "root.path", options.path => spec.root_mut().path);
    set_given!(assembly, "/linux/rootfsPropagation", "root.propagation", options.propagation => linux().rootfs_propagation);
    Ok(())
}
