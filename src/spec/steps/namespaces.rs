//! The namespaces.

use crate::domain::origin::Origin;
use crate::domain::request::NamespaceOptions;
use crate::domain::sandbox::{NamespaceKind, NamespaceTarget};
use crate::oci::{LinuxNamespace, Member};
use crate::spec::assembly::Assembly;
use crate::spec::error::SpecError;
use crate::spec::inputs::Inputs;
use crate::spec::provenance::{Attribution, Change};

/// Makes each namespace a new one, the host's, or one by its path; maps the ids of a user namespace; sets clocks
/// and network devices; and warns of each namespace that must be made before the container starts.
///
/// containerd: `oci.WithLinuxNamespace`, `oci.WithHostNamespace`, `oci.WithUserNamespace`.
pub(super) fn namespaces(inputs: &Inputs<'_>, assembly: &mut Assembly) -> Result<(), SpecError> {
    let options = &inputs.options.namespaces;
    let linux = assembly.linux();
    for (kind, target) in &options.set {
        set(&mut linux.namespaces, *kind, target);
    }
    let range = options.user_range.as_slice();
    let users = [&options.uid_mappings[..], range].concat();
    let groups = [&options.gid_mappings[..], range].concat();
    if !users.is_empty() || !groups.is_empty() {
        if find(&linux.namespaces, NamespaceKind::User).is_none() {
            set(&mut linux.namespaces, NamespaceKind::User, &NamespaceTarget::Private);
        }
        linux.uid_mappings.extend(users);
        linux.gid_mappings.extend(groups);
    }
    Member::merge(&mut linux.time_offsets, options.time_offsets.clone());
    Member::merge(&mut linux.net_devices, options.net_devices.clone());
    let joined = linux.namespaces.iter().filter(|namespace| !namespace.path.is_empty());
    let warning = |LinuxNamespace { kind, path, .. }: &LinuxNamespace| {
        format!("the {kind} namespace {path} must exist before the container starts")
    };
    let warnings: Vec<String> = joined.map(warning).collect();
    assembly.warnings.extend(warnings);
    assembly.attribute("/linux", || |change: &Change<'_>| find_attribution(options, change));
    Ok(())
}

/// The option that sets a place.
fn find_attribution(options: &NamespaceOptions, change: &Change<'_>) -> Option<Attribution> {
    for (list, field) in
        [("/linux/uidMappings", "uid_mappings"), ("/linux/gidMappings", "gid_mappings")]
    {
        if change.pointer == list {
            let field = if options.user_range.is_some() { "user_range" } else { field };
            let origin = Origin::option(format_args!("namespaces.{field}"));
            return Some(Attribution::Changed(origin));
        }
    }
    let set = |field: String| Some(Attribution::Set(Origin::option(field)));
    if let Some(clock) = change.key_in("/linux/timeOffsets") {
        options.time_offsets.get(&clock)?;
        return set(format!("namespaces.time_offsets.{clock}"));
    }
    if let Some(device) = change.key_in("/linux/netDevices") {
        options.net_devices.get(&device)?;
        return set(format!("namespaces.net_devices[{device:?}]"));
    }
    change.key_in("/linux/namespaces")?;
    let kind = change.value.get("type")?.as_str().unwrap_or_default();
    if options.set.iter().any(|(other, _)| other.name() == kind) {
        return set(format!("namespaces.{kind}"));
    }
    let rule = Origin::rule("namespaces", "ids are mapped in a user namespace");
    Some(Attribution::Changed(rule))
}

pub(super) fn set(
    namespaces: &mut Vec<LinuxNamespace>,
    kind: NamespaceKind,
    target: &NamespaceTarget,
) {
    let at = find(namespaces, kind);
    let path = match target {
        NamespaceTarget::Host => {
            at.map(|at| namespaces.remove(at));
            return;
        }
        NamespaceTarget::Private => String::new(),
        NamespaceTarget::Path(path) => path.clone(),
    };
    let namespace = LinuxNamespace { kind: kind.name().to_owned(), path, ..Default::default() };
    match at {
        Some(at) => namespaces[at] = namespace,
        None => namespaces.push(namespace),
    }
}

fn find(namespaces: &[LinuxNamespace], kind: NamespaceKind) -> Option<usize> {
    namespaces.iter().position(|namespace| namespace.kind == kind.name())
}

/// Whether the container has a new namespace of a kind.
pub(super) fn is_private(assembly: &Assembly, kind: NamespaceKind) -> bool {
    all(assembly).any(|namespace| namespace.kind == kind.name() && namespace.path.is_empty())
}

/// Whether the container is in a namespace of a kind that is not the host's.
pub(super) fn has(assembly: &Assembly, kind: NamespaceKind) -> bool {
    all(assembly).any(|namespace| namespace.kind == kind.name())
}

fn all(assembly: &Assembly) -> impl Iterator<Item = &LinuxNamespace> {
    assembly.spec.linux.iter().flat_map(|linux| &linux.namespaces)
}
