//! What hardens the container.

use crate::domain::sandbox::NamespaceKind;
use crate::domain::violation::Violations;
use crate::spec::draft::Draft;
use crate::spec::error::SpecError;
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
    if let Some(label) = &options.mount_label {
        draft.linux.set_mount_label((!label.is_empty()).then(|| label.clone()));
    }
    if !options.sysctl.is_empty() {
        let mut sysctl: HashMap<String, String> = draft.linux.sysctl().clone().unwrap_or_default();
        sysctl.extend(options.sysctl.clone());
        draft.linux.set_sysctl(Some(sysctl));
    }
    check_sysctl(inputs, draft)
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
