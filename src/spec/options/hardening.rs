//! What hardens the container.

use crate::spec::draft::Draft;
use crate::spec::error::SpecError;
use crate::spec::opt::Inputs;

/// Sets masked and read-only paths, `no_new_privileges`, AppArmor and SELinux.
///
/// containerd: `oci.WithMaskedPaths`, `oci.WithReadonlyPaths`, `oci.WithNoNewPrivileges`,
/// `oci.WithNewPrivileges`, `oci.WithApparmorProfile`, `oci.WithSelinuxLabel`.
pub(crate) fn hardening(inputs: &Inputs<'_>, draft: &mut Draft) -> Result<(), SpecError> {
    let options = &inputs.options.security;
    let listed = |paths: &Vec<String>| (!paths.is_empty()).then(|| paths.clone());
    if let Some(paths) = &options.masked_paths {
        draft.linux.set_masked_paths(listed(paths));
    }
    if let Some(paths) = &options.readonly_paths {
        draft.linux.set_readonly_paths(listed(paths));
    }
    if let Some(none) = options.no_new_privileges {
        draft.process.set_no_new_privileges(none.then_some(true));
    }
    if let Some(profile) = &options.apparmor_profile {
        draft.process.set_apparmor_profile((!profile.is_empty()).then(|| profile.clone()));
    }
    if let Some(label) = &options.selinux_label {
        draft.process.set_selinux_label((!label.is_empty()).then(|| label.clone()));
    }
    if let Some(label) = &options.mount_label {
        draft.linux.set_mount_label((!label.is_empty()).then(|| label.clone()));
    }
    Ok(())
}
