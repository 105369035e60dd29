//! The namespaces, and what needs one that is not the host's.

use super::Found;
use super::node::Node;

const KINDS: [&str; 8] = ["pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time"];

/// The longest name that the kernel takes for a host, in bytes.
const NAME_BYTES: usize = 64;

fn all(spec: Node<'_>) -> impl Iterator<Item = Node<'_>> {
    spec.get("linux").get("namespaces").items()
}

fn of<'a>(spec: Node<'a>, kind: &'a str) -> impl Iterator<Item = Node<'a>> {
    all(spec).filter(move |namespace| namespace.get("type").text() == Some(kind))
}

/// Whether the container has a namespace of a kind, of its own or joined.
pub(super) fn is_there<'a>(spec: Node<'a>, kind: &'a str) -> bool {
    of(spec, kind).next().is_some()
}

/// Whether the container has a namespace of a kind of its own.
pub(super) fn is_own<'a>(spec: Node<'a>, kind: &'a str) -> bool {
    of(spec, kind).any(|namespace| namespace.get("path").filled_text().is_none())
}

/// Whether the container joins a namespace of a kind.
pub(super) fn is_joined<'a>(spec: Node<'a>, kind: &'a str) -> bool {
    of(spec, kind).any(|namespace| namespace.get("path").filled_text().is_some())
}

/// Every kind is known.
pub(super) fn kinds(spec: Node<'_>, found: &mut Found) {
    for kind in all(spec).map(|namespace| namespace.get("type")) {
        if !KINDS.contains(&kind.text().unwrap_or_default()) {
            found.add(kind, format_args!("must be one of {}", KINDS.join(", ")));
        }
    }
}

/// No kind is there twice.
pub(super) fn once(spec: Node<'_>, found: &mut Found) {
    for (index, namespace) in all(spec).enumerate() {
        let kind = namespace.get("type");
        let earlier = || all(spec).take(index).map(|other| other.get("type").text());
        if kind.text().is_some() && earlier().any(|other| other == kind.text()) {
            found.add(kind, "is there twice");
        }
    }
}

/// A namespace that is joined is named by an absolute path.
pub(super) fn paths(spec: Node<'_>, found: &mut Found) {
    for path in all(spec).map(|namespace| namespace.get("path")) {
        if path.filled_text().is_some_and(|path| !path.starts_with('/')) {
            found.add(path, "must be an absolute path");
        }
    }
}

fn needs<'a>(spec: Node<'a>, node: Node<'a>, kind: &'a str, found: &mut Found) {
    if !is_there(spec, kind) {
        let namespace = spec.get("linux").get("namespaces").get(kind);
        found.against(node, namespace, format_args!("needs a private {kind} namespace"));
    }
}

/// A host name is not the host's.
pub(super) fn hostname(spec: Node<'_>, found: &mut Found) {
    let name = spec.get("hostname");
    if name.filled_text().is_some() {
        needs(spec, name, "uts", found);
    }
}

/// A domain name is not the host's.
pub(super) fn domainname(spec: Node<'_>, found: &mut Found) {
    let name = spec.get("domainname");
    if name.filled_text().is_some() {
        needs(spec, name, "uts", found);
    }
}

/// Both names are as long as the kernel takes.
pub(super) fn name_length(spec: Node<'_>, found: &mut Found) {
    for name in ["hostname", "domainname"].map(|name| spec.get(name)) {
        if name.text().is_some_and(|text| text.len() > NAME_BYTES) {
            found.add(name, format_args!("must be at most {NAME_BYTES} bytes"));
        }
    }
}

/// Network devices are moved out of the host's namespace.
pub(super) fn net_devices(spec: Node<'_>, found: &mut Found) {
    let devices = spec.get("linux").get("netDevices");
    if devices.is_filled() && !is_there(spec, "network") {
        let namespace = spec.get("linux").get("namespaces").get("network");
        let text = "needs a network namespace that is not the host's";
        found.against(devices, namespace, text);
    }
}

/// Paths are hidden in the container's own mount namespace, and not in the host's.
pub(super) fn hidden_paths(spec: Node<'_>, found: &mut Found) {
    for list in ["maskedPaths", "readonlyPaths"].map(|name| spec.get("linux").get(name)) {
        if list.is_filled() {
            needs(spec, list, "mount", found);
        }
    }
}
