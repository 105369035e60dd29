//! Hardening: hidden paths, privileges, AppArmor and SELinux.

use crate::domain::origin::Origin;
use crate::domain::request::{PathChanges, SecurityOptions};
use crate::oci::Linux;
use crate::paths::clean;
use crate::spec::assembly::Assembly;
use crate::spec::error::SpecError;
use crate::spec::inputs::Inputs;
use crate::spec::provenance::{Attribution, Change};
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
    if let Some(label) = &options.mount_label {
        assembly.linux().mount_label.clone_from(label);
        assembly.attribute_value("/linux/mountLabel", || Origin::option("security.mount_label"));
    }
    let process = assembly.process();
    set(&mut process.no_new_privileges, options.no_new_privileges.as_ref());
    set(&mut process.apparmor_profile, options.apparmor_profile.as_ref());
    set(&mut process.selinux_label, options.selinux_label.as_ref());
    assembly.attribute("/process", || |change: &Change<'_>| find_attribution(options, change));
    Ok(())
}

fn set<T: Clone>(value: &mut T, new: Option<&T>) {
    if let Some(new) = new {
        value.clone_from(new);
    }
}

/// The option that sets a field of the process.
fn find_attribution(options: &SecurityOptions, change: &Change<'_>) -> Option<Attribution> {
    let (field, given) = match change.pointer {
        "/process/noNewPrivileges" => ("no_new_privileges", options.no_new_privileges.is_some()),
        "/process/apparmorProfile" => ("apparmor_profile", options.apparmor_profile.is_some()),
        "/process/selinuxLabel" => ("selinux_label", options.selinux_label.is_some()),
        _ => return None,
    };
    given.then(|| Attribution::Set(Origin::option(format_args!("security.{field}"))))
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
