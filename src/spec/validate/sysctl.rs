//! Kernel parameters: those that would change the host.

use super::Found;
use super::namespaces::is_there;
use super::node::Node;

/// Whose a parameter is.
#[derive(PartialEq, Eq)]
enum Of {
    /// The host's, whatever namespaces there are.
    Host,
    /// That of a namespace.
    Namespace(&'static str),
    /// One for which the spec has a field.
    Field(&'static str),
}

const IPC: [&str; 8] = [
    "kernel.msgmax",
    "kernel.msgmnb",
    "kernel.msgmni",
    "kernel.sem",
    "kernel.shmall",
    "kernel.shmmax",
    "kernel.shmmni",
    "kernel.shm_rmid_forced",
];

/// The name with dots between its parts: where the first of the two is a slash, they have changed places.
fn dotted(key: &str) -> String {
    if key.find(['.', '/']).is_some_and(|at| key[at..].starts_with('/')) {
        let swap = |letter| match letter {
            '/' => '.',
            '.' => '/',
            other => other,
        };
        return key.chars().map(swap).collect();
    }
    key.to_owned()
}

fn of(key: &str) -> Of {
    let key = dotted(key);
    match key.as_str() {
        "kernel.hostname" => Of::Field("hostname"),
        "kernel.domainname" => Of::Namespace("uts"),
        key if IPC.contains(&key) || key.starts_with("fs.mqueue.") => Of::Namespace("ipc"),
        key if key.starts_with("net.") => Of::Namespace("network"),
        _ => Of::Host,
    }
}

fn all(spec: Node<'_>) -> impl Iterator<Item = (Of, Node<'_>)> {
    spec.get("linux").get("sysctl").members().map(|(key, node)| (of(key), node))
}

/// No parameter is the host's alone.
pub(super) fn host(spec: Node<'_>, found: &mut Found) {
    for (_, parameter) in all(spec).filter(|(of, _)| *of == Of::Host) {
        found.add(parameter, "is not a parameter of a namespace, it would change the host");
    }
}

/// A parameter of a namespace is set in one that is not the host's.
pub(super) fn namespace(spec: Node<'_>, found: &mut Found) {
    for (of, parameter) in all(spec) {
        if let Of::Namespace(kind) = of
            && !is_there(spec, kind)
        {
            let namespaces = spec.get("linux").get("namespaces").get(kind);
            let text = format_args!("needs a private {kind} namespace");
            found.against(parameter, namespaces, text);
        }
    }
}

/// What has a field in the spec is set by that.
pub(super) fn field(spec: Node<'_>, found: &mut Found) {
    for (of, parameter) in all(spec) {
        if let Of::Field(name) = of {
            found.add(parameter, format_args!("is set by the spec's {name}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::dotted;

    #[test]
    fn dots_and_slashes_change_places() {
        for (key, want) in [
            ("net.ipv4.ip_forward", "net.ipv4.ip_forward"),
            ("net/ipv4/conf/eth0.100/x", "net.ipv4.conf.eth0/100.x"),
            ("net.ipv4/conf", "net.ipv4/conf"),
            ("vm", "vm"),
            ("", ""),
        ] {
            assert_eq!(dotted(key), want);
        }
    }
}
