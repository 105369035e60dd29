//! Privileged containers, as containerd and as Docker define them.

use super::{Assembly, Inputs, Origin, SpecError, capabilities, devices, mounts};
use crate::domain::request::Privileged;

/// Removes hardening, before the options that could bring some of it back.
///
/// containerd: `oci.WithPrivileged`, with every capability that Linux 5.9 has instead of those of the calling
/// process; for Docker's definition also `oci.WithAllDevicesAllowed`, `oci.WithNewPrivileges` and, among the
/// devices, `oci.WithHostDevices`.
pub(super) fn privileged(inputs: &Inputs<'_>, assembly: &mut Assembly) -> Result<(), SpecError> {
    let Some(mode) = inputs.options.security.privileged else {
        return Ok(());
    };
    capabilities::give_all(inputs.host, assembly);
    let linux = assembly.linux();
    linux.masked_paths.clear();
    linux.readonly_paths.clear();
    linux.seccomp = None;
    mounts::make_writable(assembly, "sysfs");
    mounts::make_writable(assembly, "cgroup");
    let process = assembly.process();
    process.selinux_label.clear();
    process.apparmor_profile.clear();
    if mode == Privileged::Docker {
        process.no_new_privileges = false;
        devices::allow_all(assembly);
    }
    assembly.attribute_changes(|| Origin::option("security.privileged"));
    Ok(())
}
