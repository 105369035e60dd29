//! The namespaces.

use super::{Assembly, Attribution, Change, Inputs, Origin, SpecError};
use crate::domain::host_facts::CgroupVersion;
use crate::domain::request::NamespaceOptions;
use crate::domain::sandbox::{NamespaceKind, NamespaceTarget};
use crate::oci::{LinuxNamespace, Member};

/// The first kernel with time namespaces.
const TIME_NAMESPACES: (u32, u32) = (5, 6);

/// Makes each namespace a new one, the host's, or one by its path; maps the ids of a user namespace; sets clocks
/// and network devices; adds the profile's cgroup namespace; and warns of each namespace that must be made before the
/// container starts.
///
/// containerd: `oci.WithLinuxNamespace`, `oci.WithHostNamespace`, `oci.WithUserNamespace`. Docker:
/// `daemon.WithNamespaces`.
pub(super) fn namespaces(inputs: &Inputs<'_>, assembly: &mut Assembly) -> Result<(), SpecError> {
    let options = &inputs.options.namespaces;
    leave_out_time(inputs, assembly);
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
    add_cgroup_namespace(inputs, assembly);
    Ok(())
}

/// Adds the cgroup namespace that a profile has on control groups of version 2, unless the request sets that kind.
fn add_cgroup_namespace(inputs: &Inputs<'_>, assembly: &mut Assembly) {
    let kind = NamespaceKind::Cgroup;
    let has_version_2 = inputs.host.cgroup_version == Some(CgroupVersion::V2);
    let is_added = inputs.additions.cgroup_namespace_on_v2 && has_version_2;
    if is_added && !is_set_by_request(inputs, kind) && !has(assembly, kind) {
        set(&mut assembly.linux().namespaces, kind, &NamespaceTarget::Private);
        assembly.attribute_changes(|| Origin::Host("cgroup_version".to_owned()));
    }
}

/// Leaves out the profile's time namespace where the kernel or the runtime has none, unless the request is about it.
///
/// Docker: `daemon.WithNamespaces`, since 29.
fn leave_out_time(inputs: &Inputs<'_>, assembly: &mut Assembly) {
    let kind = NamespaceKind::Time;
    if !is_private(assembly, kind) || is_set_by_request(inputs, kind) {
        return;
    }
    let (major, minor) = inputs.host.kernel;
    let runtime = inputs.host.runtime_features.as_ref().and_then(|runtime| runtime.namespaces());
    let (fact, why) = if (major, minor) < TIME_NAMESPACES {
        ("kernel", format!("Linux {major}.{minor} has none"))
    } else if runtime.is_some_and(|known| !known.iter().any(|one| one == kind.name())) {
        ("runtime_features", "the runtime has none".to_owned())
    } else {
        return;
    };
    set(&mut assembly.linux().namespaces, kind, &NamespaceTarget::Host);
    assembly.attribute_changes(|| Origin::Host(fact.to_owned()));
    assembly.warnings.push(format!("the profile's time namespace is left out: {why}"));
}

/// Whether the request sets a kind of namespace.
fn is_set_by_request(inputs: &Inputs<'_>, kind: NamespaceKind) -> bool {
    inputs.options.namespaces.set.iter().any(|(other, _)| *other == kind)
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

/// Whether the container will be in a namespace of a kind that is not the host's, once this step has been taken.
pub(super) fn will_have(inputs: &Inputs<'_>, assembly: &Assembly, kind: NamespaceKind) -> bool {
    let set = inputs.options.namespaces.set.iter().rev().find(|(other, _)| *other == kind);
    set.map_or_else(|| has(assembly, kind), |(_, target)| *target != NamespaceTarget::Host)
}

fn all(assembly: &Assembly) -> impl Iterator<Item = &LinuxNamespace> {
    assembly.spec.linux.iter().flat_map(|linux| &*linux.namespaces)
}
