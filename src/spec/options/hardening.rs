//! What hardens the container.

use crate::domain::origin::Origin;
use crate::domain::request::SecurityOptions;
use crate::spec::draft::Draft;
use crate::spec::error::SpecError;
use crate::spec::journal::{Change, Said};
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
    for section in ["/process", "/linux"] {
        draft.explain(section, || |change: &Change<'_>| said(options, change));
    }
    Ok(())
}

/// Which option something comes from.
fn said(options: &SecurityOptions, change: &Change<'_>) -> Option<Said> {
    for (list, field, given) in [
        ("/linux/maskedPaths", "masked_paths", options.masked_paths.is_some()),
        ("/linux/readonlyPaths", "readonly_paths", options.readonly_paths.is_some()),
    ] {
        if given && change.pointer == list {
            return Some(Said::Changed(Origin::option(format_args!("security.{field}"))));
        }
        if let Some(index) = change.index_in(list).filter(|_| given) {
            let field = format!("security.{field}.values[{index}]");
            return Some(Said::Set(Origin::option(field)));
        }
    }
    let (field, given) = match change.pointer {
        "/process/noNewPrivileges" => ("no_new_privileges", options.no_new_privileges.is_some()),
        "/process/apparmorProfile" => ("apparmor_profile", options.apparmor_profile.is_some()),
        "/linux/mountLabel" => ("mount_label", options.mount_label.is_some()),
        "/process/selinuxLabel" => ("selinux_label", options.selinux_label.is_some()),
        _ => return None,
    };
    given.then(|| Said::Set(Origin::option(format_args!("security.{field}"))))
}
