//! Hardening: hidden paths, privileges, AppArmor and SELinux.

use super::{Assembly, Attribution, Change, Inputs, Origin, SpecError, set_given};
use crate::domain::request::PathChanges;
use crate::oci::Linux;
use crate::paths::clean;
use std::collections::{HashMap, HashSet};

/// Sets masked and read-only paths, `noNewPrivileges`, AppArmor and SELinux.
///
/// containerd: `oci.WithMaskedPaths`, `oci.WithReadonlyPaths`, `oci.WithNoNewPrivileges`,
/// `oci.WithNewPrivileges`, `oci.WithApparmorProfile`, `oci.WithSelinuxLabel`.
pub(super) fn hardening(inputs: &Inputs<'_>, assembly: &mut Assembly) -> Result<(), SpecError> {
    let options = &inputs.options.security;
    for (list, changes) in
        [(PathList::MASKED, &options.masked_paths), (PathList::READONLY, &options.readonly_paths)]
    {
        if let Some(changes) = changes {
            change_paths(assembly, &list, changes);
        }
    }
    set_given!(assembly, "/linux/mountLabel", "security.mount_label", options.mount_label => linux().mount_label);
    set_given!(assembly, "/process/noNewPrivileges", "security.no_new_privileges", options.no_new_privileges => process().no_new_privileges);
    set_given!(assembly, "/process/apparmorProfile", "security.apparmor_profile", options.apparmor_profile => process().apparmor_profile);
    set_given!(assembly, "/process/selinuxLabel", "security.selinux_label", options.selinux_label => process().selinux_label);
    Ok(())
}

/// A list of paths of the spec, and the option that changes it.
struct PathList {
    pointer: &'static str,
    option: &'static str,
    of: fn(&mut Linux) -> &mut Vec<String>,
}

impl PathList {
    const MASKED: Self = Self {
        pointer: "/linux/maskedPaths",
        option: "security.masked_paths",
        of: |linux| &mut linux.masked_paths,
    };
    const READONLY: Self = Self {
        pointer: "/linux/readonlyPaths",
        option: "security.readonly_paths",
        of: |linux| &mut linux.readonly_paths,
    };
}

/// Replaces a list of paths, removes paths from it, and adds those that it does not have.
fn change_paths(assembly: &mut Assembly, list: &PathList, changes: &PathChanges) {
    let PathChanges { set, remove, add } = changes;
    let paths = (list.of)(assembly.linux());
    if let Some(set) = set {
        paths.clone_from(set);
    }
    if !remove.is_empty() {
        let gone: HashSet<String> = remove.iter().map(|path| clean(path)).collect();
        paths.retain(|path| !gone.contains(&clean(path)));
    }
    let mut known: HashSet<String> = paths.iter().map(|path| clean(path)).collect();
    paths.extend(add.iter().filter(|path| known.insert(clean(path))).cloned());
    assembly.attribute(list.pointer, || {
        let positions = |paths: &[String]| -> HashMap<String, usize> {
            paths.iter().enumerate().rev().map(|(index, path)| (clean(path), index)).collect()
        };
        let [set, remove, add] = [set.as_deref().unwrap_or_default(), remove, add].map(positions);
        let is_set = changes.set.is_some();
        move |change: &Change<'_>| {
            let option = list.option;
            if change.pointer == list.pointer {
                return is_set.then(|| Attribution::Changed(Origin::option(option)));
            }
            change.key_in(list.pointer)?;
            let path = clean(change.value.as_str()?);
            let field = match (remove.get(&path), set.get(&path), add.get(&path)) {
                (Some(at), ..) if change.gone => format!("{option}_remove[{at}]"),
                _ if change.gone => return None,
                (_, Some(at), _) => format!("{option}.values[{at}]"),
                (_, None, Some(at)) => format!("{option}_add[{at}]"),
                (_, None, None) => return None,
            };
            Some(Attribution::Set(Origin::option(field)))
        }
    });
}
