//! Which namespace owns a sysctl.

use crate::domain::sandbox::NamespaceKind;
use std::borrow::Cow;

/// What a sysctl belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SysctlScope {
    /// The host, whatever namespaces exist.
    Host,
    /// A namespace.
    Namespace(NamespaceKind),
    /// A field of the spec, which sets it.
    Field(&'static str),
}

/// The kinds of namespaces that own sysctls.
pub const NAMESPACES: [NamespaceKind; 4] =
    [NamespaceKind::Uts, NamespaceKind::Ipc, NamespaceKind::Network, NamespaceKind::User];

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

/// The name with dots between its parts. Where the first separator is a slash, dots and slashes are swapped.
#[must_use]
pub fn dotted(key: &str) -> Cow<'_, str> {
    if key.find(['.', '/']).is_some_and(|at| key[at..].starts_with('/')) {
        let swap = |letter| match letter {
            '/' => '.',
            '.' => '/',
            other => other,
        };
        return Cow::Owned(key.chars().map(swap).collect());
    }
    Cow::Borrowed(key)
}

/// What the sysctl of a name belongs to.
///
/// runc: `validate.sysctl`.
#[must_use]
pub fn scope(key: &str) -> SysctlScope {
    match &*dotted(key) {
        "kernel.hostname" => SysctlScope::Field("hostname"),
        "kernel.domainname" => SysctlScope::Namespace(NamespaceKind::Uts),
        key if IPC.contains(&key) || key.starts_with("fs.mqueue.") => {
            SysctlScope::Namespace(NamespaceKind::Ipc)
        }
        key if key.starts_with("net.") => SysctlScope::Namespace(NamespaceKind::Network),
        key if key.starts_with("user.") => SysctlScope::Namespace(NamespaceKind::User),
        _ => SysctlScope::Host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_and_slashes_are_swapped() {
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

    #[test]
    fn each_namespace_of_a_scope_is_listed() {
        let keys = ["kernel.domainname", "kernel/sem", "fs.mqueue.x", "net/core/x", "user.x"];
        for key in keys {
            let SysctlScope::Namespace(kind) = scope(key) else { panic!("{key}") };
            assert!(NAMESPACES.contains(&kind), "{key}");
        }
        assert_eq!(scope("kernel.hostname"), SysctlScope::Field("hostname"));
        assert_eq!(scope("vm.swappiness"), SysctlScope::Host);
    }
}
