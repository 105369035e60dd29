//! Mounts that a user namespace cannot make by itself.

use super::namespaces::{has, is_private};
use super::{Assembly, Inputs, Origin, SpecError};
use crate::domain::sandbox::{NamespaceKind, UserMounts};
use crate::oci::{EncodedOnce, IdMapping, Mount};

/// The group of terminals, which the `/dev/pts` of most profiles has.
const TTY: u32 = 5;
const TTY_OPTION: &str = "gid=5";

/// Binds what the container's user namespace cannot mount, and drops the group of terminals where it is not
/// mapped. The kernel lets only the owner of a network, pid or ipc namespace mount the filesystem that shows it.
/// An ordinary user's runtime gets every sysfs as a bind, and no groups: which ids it has mapped is not in the spec.
///
/// CRI: `WithMounts`. podman: `specgen.generate`. nerdctl: `withBindMountHostSysfs`. runc: `specconv.ToRootless`.
pub(super) fn user_mounts(inputs: &Inputs<'_>, assembly: &mut Assembly) -> Result<(), SpecError> {
    let rootless = inputs.options.rootless.is_some();
    let usual = if rootless { UserMounts::Rewrite } else { inputs.user_mounts };
    let wanted = inputs.options.namespaces.user_mounts.unwrap_or(usual);
    if wanted == UserMounts::Keep || !(rootless || is_private(assembly, NamespaceKind::User)) {
        return Ok(());
    }
    if rootless {
        bind(assembly, "sysfs", "/sys", "an ordinary user runs the runtime");
    } else if !is_private(assembly, NamespaceKind::Network) {
        bind(assembly, "sysfs", "/sys", "the network namespace belongs to another user namespace");
    }
    // A joined pid or ipc namespace is not the host's, so that the host's files would show another one.
    if !has(assembly, NamespaceKind::Pid) {
        bind(assembly, "proc", "/proc", "the pid namespace is the host's");
    }
    if !has(assembly, NamespaceKind::Ipc) {
        bind(assembly, "mqueue", "/dev/mqueue", "the ipc namespace is the host's");
    }
    if rootless {
        drop_group(assembly, "an ordinary user runs the runtime");
    } else if !maps_terminals(assembly) {
        drop_group(assembly, "group 5 is not mapped");
    }
    Ok(())
}

/// Makes each mount of a filesystem a recursive bind of the host's.
fn bind(assembly: &mut Assembly, filesystem: &str, source: &str, why: &str) {
    let is_it = |mount: &&mut EncodedOnce<Mount>| mount.kind == filesystem && !mount.is_bind();
    let mut warnings = Vec::new();
    for mount in assembly.spec.mounts.iter_mut().filter(is_it) {
        let path = &mount.destination;
        warnings.push(format!("{path} is {source} of the host, and not a new {filesystem}: {why}"));
        "bind".clone_into(&mut mount.kind);
        source.clone_into(&mut mount.source);
        mount.options.extend(["rbind", "rprivate"].map(str::to_owned));
        let access = mount.options.iter().any(|option| option == "ro" || option == "rw");
        if filesystem == "sysfs" && !access {
            mount.options.push("ro".to_owned());
        }
    }
    if !warnings.is_empty() {
        assembly.warnings.append(&mut warnings);
        let text = format!("a user namespace binds {source} of the host: {why}");
        assembly.attribute_changes(|| Origin::rule("user_mounts", text));
    }
}

/// Whether the group of terminals is mapped, as far as the spec says which are.
fn maps_terminals(assembly: &Assembly) -> bool {
    let mappings = assembly.spec.linux.as_ref().map_or(&[][..], |linux| &linux.gid_mappings);
    let maps = |it: &IdMapping| it.container_id <= TTY && TTY - it.container_id < it.size;
    mappings.is_empty() || mappings.iter().any(maps)
}

/// Drops the group of terminals from each devpts.
fn drop_group(assembly: &mut Assembly, why: &str) {
    let is_it = |mount: &&mut EncodedOnce<Mount>| {
        mount.kind == "devpts" && mount.options.iter().any(|option| option == TTY_OPTION)
    };
    let mut warnings = Vec::new();
    for mount in assembly.spec.mounts.iter_mut().filter(is_it) {
        mount.options.retain(|option| option != TTY_OPTION);
        let path = &mount.destination;
        warnings.push(format!("{path} has no group of terminals: {why}"));
    }
    if !warnings.is_empty() {
        assembly.warnings.append(&mut warnings);
        assembly.attribute_changes(|| Origin::rule("user_mounts", why));
    }
}
