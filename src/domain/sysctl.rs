//! Whose a kernel parameter is: that of a namespace, or the host's.

use crate::domain::sandbox::NamespaceKind;

/// Whose a parameter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// The host's, whatever namespaces there are.
    Host,
    /// That of a namespace.
    Namespace(NamespaceKind),
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
#[must_use]
pub fn dotted(key: &str) -> String {
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

/// Whose the parameter of a name is.
///
/// runc: `validate.sysctl`.
#[must_use]
pub fn of(key: &str) -> Of {
    let key = dotted(key);
    match key.as_str() {
        "kernel.hostname" => Of::Field("hostname"),
        "kernel.domainname" => Of::Namespace(NamespaceKind::Uts),
        key if IPC.contains(&key) || key.starts_with("fs.mqueue.") => {
            Of::Namespace(NamespaceKind::Ipc)
        }
        key if key.starts_with("net.") => Of::Namespace(NamespaceKind::Network),
        _ => Of::Host,
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
