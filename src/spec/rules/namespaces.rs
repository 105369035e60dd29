//! The namespaces, and what needs one other than the host's.

use super::clean_paths::{clean_path, directories_above};
use super::devices::{DEFAULT_NODES, makes_nodes};
use super::{Findings, repeated};
use crate::oci::{LinuxNamespace, Place, Spec, place};
use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};

const KINDS: [&str; 8] = ["pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time"];

/// The longest name that the kernel accepts for a host, in bytes.
const NAME_BYTES: usize = 64;

/// The longest name of a network device, in bytes: `IFNAMSIZ` without the NUL byte.
const DEVICE_NAME_BYTES: usize = 15;

/// The namespaces of the container.
pub(super) fn all(spec: &Spec) -> &[LinuxNamespace] {
    spec.linux.as_ref().map_or(&[], |linux| &linux.namespaces)
}

/// Whether the container has a namespace of a kind, private or joined.
pub(super) fn exists(spec: &Spec, kind: &str) -> bool {
    all(spec).iter().any(|namespace| namespace.kind == kind)
}

/// Whether the container has a private namespace of a kind.
pub(super) fn is_private(spec: &Spec, kind: &str) -> bool {
    all(spec).iter().any(|namespace| namespace.kind == kind && namespace.path.is_empty())
}

/// Whether the container joins a namespace of a kind.
pub(super) fn is_joined(spec: &Spec, kind: &str) -> bool {
    all(spec).iter().any(|namespace| namespace.kind == kind && !namespace.path.is_empty())
}

/// The place that stands for a kind of namespace, whether it is listed or not.
pub(super) fn place_of(kind: &str) -> Place {
    place!["linux", "namespaces", kind]
}

/// Every kind is known.
pub(super) fn kinds(spec: &Spec, findings: &mut Findings) {
    for (index, namespace) in all(spec).iter().enumerate() {
        if !KINDS.contains(&namespace.kind.as_str()) {
            let place = place!["linux", "namespaces", index, "type"];
            findings.add(place, format_args!("must be one of {}", KINDS.join(", ")));
        }
    }
}

/// A time namespace needs a new runc.
pub(super) fn time(spec: &Spec, findings: &mut Findings) {
    if exists(spec, "time") {
        let text = "is a time namespace, which needs runc 1.2 or newer";
        findings.add(place_of("time"), text);
    }
}

/// No kind is listed twice.
pub(super) fn once(spec: &Spec, findings: &mut Findings) {
    let kinds = all(spec).iter().map(|namespace| namespace.kind.as_str());
    for index in repeated::positions(kinds) {
        findings.add(place!["linux", "namespaces", index, "type"], "is listed twice");
    }
}

/// The path of a joined namespace is absolute.
pub(super) fn paths(spec: &Spec, findings: &mut Findings) {
    for (index, namespace) in all(spec).iter().enumerate() {
        if !namespace.path.is_empty() && !namespace.path.starts_with('/') {
            let place = place!["linux", "namespaces", index, "path"];
            findings.add(place, "must be an absolute path");
        }
    }
}

fn needs(spec: &Spec, place: Place, kind: &str, findings: &mut Findings) {
    if !exists(spec, kind) {
        let text = format_args!("needs a private {kind} namespace");
        findings.add_contradiction(place, place_of(kind), text);
    }
}

/// A hostname is not the host's.
pub(super) fn hostname(spec: &Spec, findings: &mut Findings) {
    if !spec.hostname.is_empty() {
        needs(spec, place!["hostname"], "uts", findings);
    }
}

/// A domain name is not the host's.
pub(super) fn domainname(spec: &Spec, findings: &mut Findings) {
    if !spec.domainname.is_empty() {
        needs(spec, place!["domainname"], "uts", findings);
    }
}

/// Both names are as long as the kernel accepts.
pub(super) fn name_length(spec: &Spec, findings: &mut Findings) {
    for (field, name) in [("hostname", &spec.hostname), ("domainname", &spec.domainname)] {
        if name.len() > NAME_BYTES {
            findings.add(place![field], format_args!("must be at most {NAME_BYTES} bytes"));
        }
    }
}

/// The network devices, by their names on the host, with their names in the container.
fn devices(spec: &Spec) -> impl Iterator<Item = (&str, &str)> {
    let devices = spec.linux.iter().flat_map(|linux| &linux.net_devices);
    devices.map(|(host, device)| {
        (host.as_str(), if device.name.is_empty() { host } else { &device.name }.as_str())
    })
}

/// Network devices are moved out of the host's namespace.
pub(super) fn net_devices(spec: &Spec, findings: &mut Findings) {
    if devices(spec).next().is_some() && !exists(spec, "network") {
        let text = "needs a network namespace that is not the host's";
        findings.add_contradiction(place!["linux", "netDevices"], place_of("network"), text);
    }
}

/// Network devices have names that the kernel accepts, and none is the loopback device, which each namespace has.
pub(super) fn device_names(spec: &Spec, findings: &mut Findings) {
    for (host, inside) in devices(spec) {
        let text = format_args!(
            "must be the name of a network device other than lo, for example eth0, of at most {DEVICE_NAME_BYTES} bytes"
        );
        let is_wrong = |name: &str| name == "lo" || !is_device_name(name);
        if is_wrong(host) {
            findings.add(place!["linux", "netDevices", host], text);
        } else if is_wrong(inside) {
            findings.add(place!["linux", "netDevices", host, "name"], text);
        }
    }
}

/// The kernel's `dev_valid_name`.
pub(super) fn is_device_name(name: &str) -> bool {
    let plain =
        |byte: u8| !byte.is_ascii_whitespace() && !matches!(byte, b'/' | b':' | b'\x0b' | b'\0');
    (1..=DEVICE_NAME_BYTES).contains(&name.len())
        && name != "."
        && name != ".."
        && name.bytes().all(plain)
}

/// No two network devices get the same name in the container.
pub(super) fn device_names_differ(spec: &Spec, findings: &mut Findings) {
    let mut names = BTreeSet::new();
    for (host, inside) in devices(spec) {
        if !names.insert(inside) {
            let place = place!["linux", "netDevices", host];
            findings.add(place, format_args!("{inside:?} is the name of two devices"));
        }
    }
}

/// The lists of hidden paths with their names.
pub(super) fn hidden_lists(spec: &Spec) -> impl Iterator<Item = (&'static str, &[String])> {
    spec.linux.iter().flat_map(|linux| {
        [("maskedPaths", &**linux.masked_paths), ("readonlyPaths", &**linux.readonly_paths)]
    })
}

/// Paths are hidden in the container's mount namespace, and not in the host's.
pub(super) fn hidden_paths(spec: &Spec, findings: &mut Findings) {
    for (name, _) in hidden_lists(spec).filter(|(_, paths)| !paths.is_empty()) {
        needs(spec, place!["linux", name], "mount", findings);
    }
}

/// What the runtime reads of the kernel when it sets capabilities.
const LAST_CAPABILITY: &str = "/proc/sys/kernel/cap_last_cap";

/// With capabilities, no masked path hides what the runtime reads for them.
pub(super) fn masked_last_capability(spec: &Spec, findings: &mut Findings) {
    if spec.process.as_ref().is_none_or(|process| process.capabilities.is_none()) {
        return;
    }
    let masked = spec.linux.iter().flat_map(|linux| &*linux.masked_paths).enumerate();
    for (index, path) in masked {
        let path = clean_path(path);
        let rest = LAST_CAPABILITY.strip_prefix(path.trim_end_matches('/'));
        if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
            let place = place!["linux", "maskedPaths", index];
            let text = format_args!("hides {LAST_CAPABILITY}, which runc 1.6 reads afterwards");
            findings.add(place, text);
        }
    }
}

/// No hidden path leads through a device node, which is not a directory.
pub(super) fn hidden_paths_below_nodes(spec: &Spec, findings: &mut Findings) {
    if !makes_nodes(spec) {
        return;
    }
    let devices = spec.linux.iter().flat_map(|linux| &linux.devices);
    let nodes: HashSet<Cow<'_, str>> = devices.map(|node| clean_path(&node.path)).collect();
    let is_node = |path: &str| nodes.contains(path) || DEFAULT_NODES.contains(&path);
    for (name, paths) in hidden_lists(spec) {
        for (index, path) in paths.iter().enumerate() {
            if directories_above(&clean_path(path)).any(is_node) {
                findings.add(
                    place!["linux", name, index],
                    "is below a device node, which is not a directory",
                );
            }
        }
    }
}

/// A root is made read-only in the container's mount namespace, and not in the host's.
pub(super) fn readonly_root(spec: &Spec, findings: &mut Findings) {
    if spec.root.as_ref().is_some_and(|root| root.readonly) {
        needs(spec, place!["root", "readonly"], "mount", findings);
    }
}

/// Paths that are hidden are absolute.
pub(super) fn hidden_paths_absolute(spec: &Spec, findings: &mut Findings) {
    for (name, paths) in hidden_lists(spec) {
        for (index, path) in paths.iter().enumerate() {
            if !path.starts_with('/') {
                findings.add(place!["linux", name, index], "must be an absolute path");
            }
        }
    }
}
