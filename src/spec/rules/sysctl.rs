//! Sysctls: those that would change the host.

use super::Findings;
use super::clean_paths::clean_path;
use super::namespaces::{all, exists, is_joined, is_private, place_of};
use super::user_namespace::MappedIds;
use crate::domain::sandbox::NamespaceKind;
use crate::domain::sysctl::{NAMESPACES, SysctlScope, dotted, scope};
use crate::oci::{Place, Spec, place};

fn keys(spec: &Spec) -> impl Iterator<Item = &str> {
    spec.linux.iter().flat_map(|linux| linux.sysctl.keys()).map(String::as_str)
}

fn place_of_key(key: &str) -> Place {
    place!["linux", "sysctl", key]
}

/// The name is one that a file in `/proc/sys` can have.
pub(super) fn name(spec: &Spec, findings: &mut Findings) {
    let is_wrong = |letter: char| letter.is_whitespace() || letter.is_control();
    let is_directory = |key: &str| key.ends_with(['.', '/']);
    for key in keys(spec).filter(|key| key.contains(is_wrong) || is_directory(key)) {
        let text = "must be the name of a sysctl, for example net.ipv4.ip_forward";
        findings.add(place_of_key(key), text);
    }
}

/// No sysctl is the host's alone.
pub(super) fn host(spec: &Spec, findings: &mut Findings) {
    for key in keys(spec).filter(|key| scope(key) == SysctlScope::Host) {
        let text = "is not a sysctl of a namespace: it would change the host";
        findings.add(place_of_key(key), text);
    }
}

/// A sysctl of a namespace is set in one other than the host's.
pub(super) fn namespace(spec: &Spec, findings: &mut Findings) {
    let missing: Vec<NamespaceKind> = match keys(spec).next() {
        None => return,
        Some(_) => NAMESPACES.into_iter().filter(|kind| !exists(spec, kind.name())).collect(),
    };
    for key in keys(spec).filter(|_| !missing.is_empty()) {
        if let SysctlScope::Namespace(kind) = scope(key)
            && missing.contains(&kind)
        {
            let kind = kind.name();
            let text = format_args!("needs a private {kind} namespace");
            findings.add_contradiction(place_of_key(key), place_of(kind), text);
        }
    }
}

/// A sysctl of the network is not set where the network namespace is that of the runtime itself.
pub(super) fn of_the_runtime(spec: &Spec, findings: &mut Findings) {
    let kind = NamespaceKind::Network;
    let is_own =
        |path: &str| matches!(&*clean_path(path), "/proc/self/ns/net" | "/proc/thread-self/ns/net");
    let mut joined = all(spec).iter().filter(|namespace| namespace.kind == kind.name());
    // In a user namespace of its own, another rule has all that are joined.
    if is_private(spec, "user") || !joined.any(|namespace| is_own(&namespace.path)) {
        return;
    }
    for key in keys(spec).filter(|key| scope(key) == SysctlScope::Namespace(kind)) {
        let text = "needs another network namespace than that of the runtime";
        findings.add_contradiction(place_of_key(key), place_of(kind.name()), text);
    }
}

/// A sysctl of a user namespace needs a new runc.
pub(super) fn user(spec: &Spec, findings: &mut Findings) {
    let of_user = |key: &&str| scope(key) == SysctlScope::Namespace(NamespaceKind::User);
    for key in keys(spec).filter(of_user).filter(|_| exists(spec, NamespaceKind::User.name())) {
        let text = "belongs to a user namespace: it needs runc 1.4 or newer";
        findings.add(place_of_key(key), text);
    }
}

/// Whether the root of a private user namespace is a user of the host that may not write to what others own.
fn has_ordinary_root(spec: &Spec) -> bool {
    let mappings = spec.linux.as_ref().map_or(&[][..], |linux| &linux.uid_mappings);
    let root = mappings.iter().find(|mapping| mapping.container_id == 0);
    is_private(spec, "user") && root.is_some_and(|mapping| mapping.host_id != 0)
}

/// A sysctl of a network namespace is set by its owner, and the domain name by the host's root.
pub(super) fn owner(spec: &Spec, findings: &mut Findings) {
    if !has_ordinary_root(spec) {
        return;
    }
    for key in keys(spec) {
        match scope(key) {
            SysctlScope::Namespace(NamespaceKind::Uts) => {
                let text = "can be set only by the host's root, which the user namespace does not map to 0: \
                            use the field domainname";
                findings.add_contradiction(place_of_key(key), place!["linux", "uidMappings"], text);
            }
            SysctlScope::Namespace(NamespaceKind::Network) if is_joined(spec, "network") => {
                let text =
                    "cannot be set by a user namespace that does not own the network namespace";
                findings.add_contradiction(place_of_key(key), place_of("network"), text);
            }
            SysctlScope::Host | SysctlScope::Namespace(_) | SysctlScope::Field(_) => {}
        }
    }
}

/// A sysctl of an ipc namespace is set by the user that is root in its owner.
pub(super) fn ipc_owner(spec: &Spec, findings: &mut Findings) {
    let of_ipc = |key: &&str| scope(key) == SysctlScope::Namespace(NamespaceKind::Ipc);
    if !is_joined(spec, "ipc") || !has_ordinary_root(spec) {
        return;
    }
    for key in keys(spec).filter(of_ipc) {
        let text =
            "can be set only if the ipc namespace belongs to a user namespace with the same root";
        findings.add_contradiction(place_of_key(key), place_of("ipc"), text);
    }
}

/// No sysctl sets what a field of the spec sets.
pub(super) fn field(spec: &Spec, findings: &mut Findings) {
    for key in keys(spec) {
        if let SysctlScope::Field(name) = scope(key) {
            let text = format_args!("is set by the field {name} of the spec");
            findings.add(place_of_key(key), text);
        }
    }
}

/// The groups that may send pings are numbers, which a private user namespace maps.
pub(super) fn ping_groups(spec: &Spec, findings: &mut Findings) {
    let Some(linux) = &spec.linux else { return };
    let maps_few = is_private(spec, "user") && !linux.gid_mappings.is_empty();
    let mapped = maps_few.then(|| MappedIds::new(&linux.gid_mappings));
    let is_range = |key: &str| dotted(key) == "net.ipv4.ping_group_range";
    for (key, range) in linux.sysctl.iter().filter(|(key, _)| is_range(key)) {
        for group in range.split_ascii_whitespace().take(2) {
            let number = group.parse::<u32>();
            if let (Some(mapped), Ok(number)) = (&mapped, &number)
                && !mapped.contain(*number)
            {
                let text = format_args!("group {number} is not mapped by linux.gidMappings");
                findings.add_contradiction(place_of_key(key), place!["linux", "gidMappings"], text);
            } else if number.is_err()
                && !group.starts_with(|first: char| first.is_ascii_digit() || first == '-')
            {
                findings.add(
                    place_of_key(key),
                    "must be two numbers of groups, for example 0 2147483647",
                );
            }
        }
    }
}
