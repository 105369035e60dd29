//! Privileged containers, as containerd and as Docker understand them.

use crate::domain::origin::Origin;
use crate::domain::request::Privileged;
use crate::spec::draft::Draft;
use crate::spec::error::SpecError;
use crate::spec::opt::Inputs;
use crate::spec::options::{capabilities, devices, mounts};

/// Takes hardening away, before the options that could bring some of it back.
///
/// containerd: `oci.WithPrivileged`, with every capability that Linux 5.9 knows instead of those of the
/// process that asks; and for Docker's also `oci.WithAllDevicesAllowed`, `oci.WithNewPrivileges` and, among
/// the devices, `oci.WithHostDevices`.
pub(crate) fn privileged(inputs: &Inputs<'_>, draft: &mut Draft) -> Result<(), SpecError> {
    let Some(mode) = inputs.options.security.privileged else {
        return Ok(());
    };
    capabilities::give_all(inputs.host, draft);
    draft.linux.set_masked_paths(None).set_readonly_paths(None).set_seccomp(None);
    mounts::make_writable(draft, "sysfs");
    mounts::make_writable(draft, "cgroup");
    draft.process.set_selinux_label(None).set_apparmor_profile(None);
    if mode == Privileged::Docker {
        devices::allow_all(draft)?;
        draft.process.set_no_new_privileges(None);
    }
    draft.by(|| Origin::option("security.privileged"));
    Ok(())
}
