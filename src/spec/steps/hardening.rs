//! Hardening: hidden paths, privileges, AppArmor and SELinux.

use crate::domain::origin::Origin;
use crate::domain::request::SecurityOptions;
use crate::spec::assembly::Assembly;
use crate::spec::error::SpecError;
use crate::spec::inputs::Inputs;
use crate::spec::provenance::{Attribution, Change};

/// Sets masked and read-only paths, `noNewPrivileges`, AppArmor and SELinux.
///
/// containerd: `oci.WithMaskedPaths`, `oci.WithReadonlyPaths`, `oci.WithNoNewPrivileges`,
/// `oci.WithNewPrivileges`, `oci.WithApparmorProfile`, `oci.WithSelinuxLabel`.
pub(super) fn hardening(inputs: &Inputs<'_>, assembly: &mut Assembly) -> Result<(), SpecError> {
    let options = &inputs.options.security;
    let SecurityOptions { masked_paths, readonly_paths, mount_label, .. } = options;
    if masked_paths.is_some() || readonly_paths.is_some() || mount_label.is_some() {
        let linux = assembly.linux();
        set(&mut linux.masked_paths, masked_paths.as_ref());
        set(&mut linux.readonly_paths, readonly_paths.as_ref());
        set(&mut linux.mount_label, mount_label.as_ref());
    }
    let process = assembly.process();
    set(&mut process.no_new_privileges, options.no_new_privileges.as_ref());
    set(&mut process.apparmor_profile, options.apparmor_profile.as_ref());
    set(&mut process.selinux_label, options.selinux_label.as_ref());
    for section in ["/process", "/linux"] {
        assembly.attribute(section, || |change: &Change<'_>| find_attribution(options, change));
    }
    Ok(())
}

fn set<T: Clone>(value: &mut T, new: Option<&T>) {
    if let Some(new) = new {
        value.clone_from(new);
    }
}

/// The option that sets a place.
fn find_attribution(options: &SecurityOptions, change: &Change<'_>) -> Option<Attribution> {
    for (list, field, given) in [
        ("/linux/maskedPaths", "masked_paths", options.masked_paths.is_some()),
        ("/linux/readonlyPaths", "readonly_paths", options.readonly_paths.is_some()),
    ] {
        if given && change.pointer == list {
            return Some(Attribution::Changed(Origin::option(format_args!("security.{field}"))));
        }
        if let Some(index) = change.index_in(list).filter(|_| given) {
            let field = format!("security.{field}.values[{index}]");
            return Some(Attribution::Set(Origin::option(field)));
        }
    }
    let (field, given) = match change.pointer {
        "/process/noNewPrivileges" => ("no_new_privileges", options.no_new_privileges.is_some()),
        "/process/apparmorProfile" => ("apparmor_profile", options.apparmor_profile.is_some()),
        "/linux/mountLabel" => ("mount_label", options.mount_label.is_some()),
        "/process/selinuxLabel" => ("selinux_label", options.selinux_label.is_some()),
        _ => return None,
    };
    given.then(|| Attribution::Set(Origin::option(format_args!("security.{field}"))))
}
