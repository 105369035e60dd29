//! Device nodes, and the rules of the device controller.

use super::Findings;
use super::clean_paths::{clean_path, destination};
use super::namespaces::exists;
use crate::oci::{Device, DeviceRule, Mount, Place, Spec, place};
use std::collections::BTreeSet;

fn nodes(spec: &Spec) -> impl Iterator<Item = (usize, &Device)> {
    spec.linux.iter().flat_map(|linux| &linux.devices).enumerate()
}

/// A node has a type that can be created.
pub(super) fn kind(spec: &Spec, findings: &mut Findings) {
    for (index, device) in nodes(spec) {
        if !["c", "u", "b", "p"].contains(&device.kind.as_str()) {
            findings.add(place!["linux", "devices", index, "type"], "must be c, u, b or p");
        }
    }
}

/// The highest major and minor number that mknod(2) takes.
const HIGHEST: [(&str, i64); 2] = [("major", 0xfff), ("minor", 0xf_ffff)];

/// The nodes that a runtime makes. In a user namespace it binds the host's, where `/dev` is bound it makes none, `/dev/ptmx` is a
/// link, and a directory exists, as does the first of several nodes at a place.
fn made_nodes(spec: &Spec) -> impl Iterator<Item = (usize, &Device)> {
    let makes = !exists(spec, "user") && makes_nodes(spec);
    let made = makes.then(|| nodes(spec)).into_iter().flatten();
    let mut there = BTreeSet::new();
    made.filter(|(_, node)| !node.path.is_empty()).filter(move |(_, node)| {
        let path = clean_path(&node.path);
        !matches!(&*path, "/dev/ptmx" | "/dev" | "/") && there.insert(path)
    })
}

/// The numbers of the nodes that a runtime makes, each with what makes its place, and with the highest such number.
fn made_numbers(spec: &Spec) -> impl Iterator<Item = (impl Fn() -> Place, &Device, i64, i64)> {
    made_nodes(spec).flat_map(|(index, node)| {
        HIGHEST.into_iter().zip([node.major, node.minor]).map(move |((name, highest), number)| {
            (move || place!["linux", "devices", index, name], node, number, highest)
        })
    })
}

/// A node has the numbers of a device.
pub(super) fn numbers(spec: &Spec, findings: &mut Findings) {
    for (place, node, number, _) in made_numbers(spec) {
        if node.kind != "p" && number < 0 {
            findings.add(place(), "must not be below 0");
        }
    }
}

/// A node has numbers that fit into the kernel's.
pub(super) fn number_sizes(spec: &Spec, findings: &mut Findings) {
    for (place, node, number, highest) in made_numbers(spec) {
        if node.kind != "p" && number > highest {
            findings.add(place(), format_args!("must be at most {highest}"));
        }
    }
}

/// A named pipe has no numbers of a device.
pub(super) fn pipe_numbers(spec: &Spec, findings: &mut Findings) {
    for (place, node, number, _) in made_numbers(spec) {
        if node.kind == "p" && number != 0 {
            findings.add(place(), "must be 0: a named pipe has no device number");
        }
    }
}

/// The bits of a mode: permissions, and the type of a file.
const MODE: u32 = 0o177_777;

/// A mode has no bits that runtimes ignore or cannot read.
pub(super) fn mode(spec: &Spec, findings: &mut Findings) {
    for (index, node) in nodes(spec) {
        if node.file_mode.is_some_and(|mode| mode > MODE) {
            let place = place!["linux", "devices", index, "fileMode"];
            findings.add(place, format_args!("should be at most {MODE}, which is 0177777"));
        }
    }
}

/// A node has an absolute path.
pub(super) fn path(spec: &Spec, findings: &mut Findings) {
    for (index, device) in nodes(spec) {
        if !device.path.is_empty() && !device.path.starts_with('/') {
            findings.add(place!["linux", "devices", index, "path"], "must be an absolute path");
        }
    }
}

/// The path of a node is not that of a directory.
pub(super) fn path_end(spec: &Spec, findings: &mut Findings) {
    for (index, _) in nodes(spec).filter(|(_, node)| node.path.ends_with('/')) {
        let text = "should not end with /, since crun does not clean a path";
        findings.add(place!["linux", "devices", index, "path"], text);
    }
}

/// A node is not at `/dev` or `/`.
pub(super) fn at_directory(spec: &Spec, findings: &mut Findings) {
    let is_there = |node: &Device| matches!(&*clean_path(&node.path), "/dev" | "/");
    for (index, _) in nodes(spec).filter(|(_, node)| !node.path.is_empty() && is_there(node)) {
        let text = "is a directory already: no node is made there";
        findings.add(place!["linux", "devices", index, "path"], text);
    }
}

/// Filesystems in which no device node can be made.
const WITHOUT_NODES: [&str; 6] = ["proc", "sysfs", "mqueue", "devpts", "cgroup", "cgroup2"];

pub(super) const NULL: &str = "/dev/null";

/// The nodes that a runtime makes in every container.
pub(super) const DEFAULT_NODES: [&str; 6] =
    [NULL, "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"];

/// A node `/dev/null` is the kernel's, and the first one is made. In a user namespace runc binds that of the host, and allows what
/// the spec has.
pub(super) fn null_numbers(spec: &Spec, findings: &mut Findings) {
    if !makes_nodes(spec) {
        return;
    }
    if let Some((index, node)) = nodes(spec).find(|(_, node)| clean_path(&node.path) == NULL) {
        let is_character = matches!(node.kind.as_str(), "c" | "u");
        if !is_character || (node.major, node.minor) != (1, 3) {
            let place = place!["linux", "devices", index];
            findings.add(place, "must be the character device 1:3, which the runtime opens");
        }
    }
}

/// Whether a runtime makes device nodes: not where the host's are bound.
pub(super) fn makes_nodes(spec: &Spec) -> bool {
    !spec.mounts.iter().any(|mount| mount.is_bind() && destination(mount) == "/dev")
}

/// A node is made where it can be, and so is `/dev/null`, which every container has.
pub(super) fn place_of_nodes(spec: &Spec, findings: &mut Findings) {
    let unfit = |mount: &Mount| !mount.is_bind() && WITHOUT_NODES.contains(&&*mount.kind);
    if !spec.mounts.iter().any(|mount| unfit(mount)) || !makes_nodes(spec) {
        return;
    }
    // The last mount on a directory above a path is where the path is.
    let mount_of = |path: &str| {
        let is_above = |mount: &Mount| {
            let rest = path.strip_prefix(&*destination(mount));
            rest.is_some_and(|rest| rest.starts_with('/'))
        };
        spec.mounts.iter().rposition(|mount| is_above(mount)).filter(|at| unfit(&spec.mounts[*at]))
    };
    let text = |at: usize| {
        let mount = &spec.mounts[at];
        format!(
            "cannot have device nodes, since {} is mounted on {}",
            mount.kind, mount.destination
        )
    };
    if let Some(at) = mount_of(NULL) {
        findings.add(place!["mounts", at, "type"], text(at));
    }
    for (index, node) in nodes(spec) {
        if let Some(at) = mount_of(&clean_path(&node.path)) {
            let place = place!["linux", "devices", index, "path"];
            findings.add_contradiction(place, place!["mounts", at], text(at));
        }
    }
}

fn rules(spec: &Spec) -> impl Iterator<Item = (usize, &DeviceRule)> {
    let resources = spec.linux.as_ref().and_then(|linux| linux.resources.as_ref());
    resources.into_iter().flat_map(|resources| &resources.devices).enumerate()
}

/// A rule has its access.
pub(super) fn access(spec: &Spec, findings: &mut Findings) {
    for (index, _) in rules(spec).filter(|(_, rule)| rule.access.is_empty()) {
        let place = place!["linux", "resources", "devices", index, "access"];
        findings.add(place, "must be letters of \"rwm\"");
    }
}

/// The access has no letters that runtimes ignore.
pub(super) fn letters(spec: &Spec, findings: &mut Findings) {
    let is_wrong = |rule: &DeviceRule| !rule.access.bytes().all(|letter| b"rwm".contains(&letter));
    for (index, _) in rules(spec).filter(|(_, rule)| is_wrong(rule)) {
        let place = place!["linux", "resources", "devices", index, "access"];
        findings.add(place, "must be letters of \"rwm\"");
    }
}

/// Whether a rule is for devices of all types.
fn is_for_all(rule: &DeviceRule) -> bool {
    matches!(rule.kind.as_str(), "" | "a")
}

/// A rule for all types says nothing else: runtimes ignore its numbers and its access.
pub(super) fn rule_for_all(spec: &Spec, findings: &mut Findings) {
    for (index, rule) in rules(spec).filter(|(_, rule)| is_for_all(rule)) {
        let place = |name| place!["linux", "resources", "devices", index, name];
        for (name, number) in [("major", rule.major), ("minor", rule.minor)] {
            if number.is_some_and(|number| number != -1) {
                let text = "is ignored, and the rule is for all devices: the type must be c or b";
                findings.add(place(name), text);
            }
        }
        // An empty access breaks a rule of its own.
        if !rule.access.is_empty() && !"rwm".chars().all(|letter| rule.access.contains(letter)) {
            let text = "must be rwm, because a rule for all devices is for every access";
            findings.add(place("access"), text);
        }
    }
}

/// A rule is for numbers of devices, or for all.
pub(super) fn rule_numbers(spec: &Spec, findings: &mut Findings) {
    for (index, rule) in rules(spec).filter(|(_, rule)| !is_for_all(rule)) {
        for (name, number) in [("major", rule.major), ("minor", rule.minor)] {
            if number.is_some_and(|number| number < -1) {
                let place = place!["linux", "resources", "devices", index, name];
                findings.add(place, "must be the number of a device, or -1 for all");
            }
        }
    }
}

/// A rule is for a type of devices that control groups know.
pub(super) fn rule_kind(spec: &Spec, findings: &mut Findings) {
    for (index, rule) in rules(spec) {
        if !["", "a", "b", "c"].contains(&rule.kind.as_str()) {
            let place = place!["linux", "resources", "devices", index, "type"];
            findings.add(place, "must be a, b or c");
        }
    }
}
