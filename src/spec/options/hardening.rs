//! What hardens the container.

use crate::domain::origin::Origin;
use crate::domain::request::SecurityOptions;
use crate::domain::sandbox::NamespaceKind;
use crate::domain::violation::Violations;
use crate::spec::draft::Draft;
use crate::spec::error::SpecError;
use crate::spec::journal::{Change, Said};
use crate::spec::opt::Inputs;
use crate::spec::options::namespaces::is_private;
use std::collections::HashMap;

/// Sets masked and read-only paths, `no_new_privileges`, AppArmor, SELinux and kernel parameters.
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
    if !options.sysctl.is_empty() {
        let mut sysctl: HashMap<String, String> = draft.linux.sysctl().clone().unwrap_or_default();
        sysctl.extend(options.sysctl.clone());
        draft.linux.set_sysctl(Some(sysctl));
    }
    for section in ["/process", "/linux"] {
        draft.explain(section, || |change: &Change<'_>| said(options, change));
    }
    check_sysctl(inputs, draft)
}

/// Which option something comes from.
fn said(options: &SecurityOptions, change: &Change<'_>) -> Option<Said> {
    if let Some(key) = change.key_in("/linux/sysctl") {
        let field = format!("security.sysctl[{key:?}]");
        return options.sysctl.contains_key(&key).then(|| Said::Set(Origin::option(field)));
    }
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
        "/process/selinuxLabel" => ("selinux_label", options.selinux_label.is_some()),
        _ => return None,
    };
    given.then(|| Said::Set(Origin::option(format_args!("security.{field}"))))
}

/// Refuses a parameter whose namespace is the host's: it would change the host.
///
/// runc: `validate.sysctl`.
fn check_sysctl(inputs: &Inputs<'_>, draft: &Draft) -> Result<(), SpecError> {
    let mut wrong = Violations::default();
    for key in inputs.options.security.sysctl.keys() {
        let dotted = key.replace('/', ".");
        let of = if dotted.starts_with("net.") {
            Some((NamespaceKind::Network, "network"))
        } else if dotted.starts_with("kernel.msg")
            || dotted.starts_with("kernel.sem")
            || dotted.starts_with("kernel.shm")
            || dotted.starts_with("fs.mqueue.")
        {
            Some((NamespaceKind::Ipc, "ipc"))
        } else if dotted == "kernel.domainname" {
            Some((NamespaceKind::Uts, "uts"))
        } else {
            None
        };
        let field = format!("options.security.sysctl[{key:?}]");
        match of {
            None => {
                wrong.push(field, "is not a parameter of a namespace, it would change the host");
            }
            Some((kind, name)) if !is_private(draft, kind) => {
                wrong.push(field, format_args!("needs a private {name} namespace"));
            }
            Some(_) => {}
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.into()) }
}
