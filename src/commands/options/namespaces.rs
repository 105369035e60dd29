//! The flags of namespaces.

use super::some;
use crate::api::pb::specd as pb;
use clap::Args;
use pb::linux_namespace::Kind;

/// The namespaces of the container.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Namespaces")]
pub(super) struct NamespaceArgs {
    /// The network: host, none for a namespace of its own, or ns:PATH for the namespace at a path
    #[arg(long, visible_alias = "net", value_name = "NAMESPACE", env = "SPECD_NETWORK", value_parser = network)]
    network: Option<pb::LinuxNamespace>,
    /// The process ids: host, private, or ns:PATH
    #[arg(long, value_name = "NAMESPACE", env = "SPECD_PID", value_parser = namespace)]
    pid: Option<pb::LinuxNamespace>,
    /// System V IPC and POSIX message queues: host, private, or ns:PATH
    #[arg(long, value_name = "NAMESPACE", env = "SPECD_IPC", value_parser = ipc)]
    ipc: Option<pb::LinuxNamespace>,
    /// The host name: host, private, or ns:PATH
    #[arg(long, value_name = "NAMESPACE", env = "SPECD_UTS", value_parser = namespace)]
    uts: Option<pb::LinuxNamespace>,
    /// The user ids: host, or ns:PATH
    #[arg(long, value_name = "NAMESPACE", env = "SPECD_USERNS", value_parser = user)]
    userns: Option<pb::LinuxNamespace>,
    /// The view of the cgroup hierarchy: host, private, or ns:PATH
    #[arg(long, value_name = "NAMESPACE", env = "SPECD_CGROUPNS", value_parser = namespace)]
    cgroupns: Option<pb::LinuxNamespace>,
}

impl NamespaceArgs {
    pub(super) fn options(self) -> Option<pb::NamespaceOptions> {
        let Self { network, pid, ipc, uts, userns: user, cgroupns: cgroup } = self;
        some(pb::NamespaceOptions { network, pid, ipc, uts, user, cgroup, ..Default::default() })
    }
}

fn namespace(text: &str) -> Result<pb::LinuxNamespace, String> {
    let kind = match text {
        "host" => Kind::Host(pb::HostNamespace {}),
        "private" => Kind::Private(pb::PrivateNamespace {}),
        _ => match text.split_once(':') {
            Some(("ns", path)) if path.starts_with('/') => Kind::Path(path.to_owned()),
            Some(("container", id)) => {
                let text = "the namespace of another container is given by its path: ns:/proc/PID/ns/KIND, \
                            with the PID that \"ctr task ls\" shows for";
                return Err(format!("{text} {id}"));
            }
            _ => return Err("expected host, private, or ns:PATH with an absolute path".to_owned()),
        },
    };
    Ok(pb::LinuxNamespace { kind: Some(kind) })
}

/// Docker's `none` is a namespace with nothing but a loopback device, which is what every new namespace is.
fn network(text: &str) -> Result<pb::LinuxNamespace, String> {
    match text {
        "none" => namespace("private"),
        "host" | "private" => namespace(text),
        _ if text.contains(':') => namespace(text),
        _ => Err("expected host, none, or ns:PATH: specd attaches to no network; create the namespace with it, for \
                  example with CNI, and give its path, for example ns:/run/netns/web-1"
            .to_owned()),
    }
}

/// Docker's `shareable` permits Docker to share the namespace; the spec is the same.
fn ipc(text: &str) -> Result<pb::LinuxNamespace, String> {
    match text {
        "shareable" => namespace("private"),
        "none" => Err("expected host, private, or ns:PATH; to leave /dev/shm out, use private, and --options with \
                       {\"mounts\": {\"remove\": [\"/dev/shm\"]}}"
            .to_owned()),
        _ => namespace(text),
    }
}

fn user(text: &str) -> Result<pb::LinuxNamespace, String> {
    match text {
        "private" => Err("expected host, or ns:PATH; a user namespace of its own needs a range of ids: use --options \
                          with {\"namespaces\": {\"userRange\": {\"hostId\": 100000, \"size\": 65536}}}"
            .to_owned()),
        _ => namespace(text).map_err(|error| error.replace("host, private, or", "host, or")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{options, refused};
    use super::*;

    #[test]
    fn a_namespace_is_the_hosts_its_own_or_at_a_path() {
        let host = Kind::Host(pb::HostNamespace {});
        let private = Kind::Private(pb::PrivateNamespace {});
        let path = |path: &str| Kind::Path(path.to_owned());
        for (text, want) in [
            ("--network host", &host),
            ("--net host", &host),
            ("--network none", &private),
            ("--network private", &private),
            ("--network ns:/run/netns/web-1", &path("/run/netns/web-1")),
        ] {
            let found = options(text).namespaces.unwrap().network.unwrap().kind;
            assert_eq!(found.as_ref(), Some(want), "{text}");
        }
        for (text, want) in
            [("host", &host), ("private", &private), ("ns:/proc/1/ns/x", &path("/proc/1/ns/x"))]
        {
            let flags = format!("--pid {text} --ipc {text} --uts {text} --cgroupns {text}");
            let found = options(&flags).namespaces.unwrap();
            for namespace in [found.pid, found.ipc, found.uts, found.cgroup] {
                assert_eq!(namespace.unwrap().kind.as_ref(), Some(want), "{text}");
            }
        }
        let kind = |text| options(text).namespaces.unwrap();
        assert_eq!(kind("--ipc shareable").ipc.unwrap().kind, Some(private));
        assert_eq!(kind("--userns host").user.unwrap().kind, Some(host));
        assert_eq!(kind("--userns ns:/a").user.unwrap().kind, Some(path("/a")));
    }

    #[test]
    fn what_needs_a_path_is_refused_with_what_to_write() {
        for (flags, words) in [
            (
                "--network bridge",
                "'--network <NAMESPACE>': expected host, none, or ns:PATH: specd attaches",
            ),
            ("--network mynet", "for example ns:/run/netns/web-1"),
            (
                "--network container:web-1",
                "ns:/proc/PID/ns/KIND, with the PID that \"ctr task ls\" shows for web-1",
            ),
            ("--network ns:run", "with an absolute path"),
            ("--pid container:web-1", "'--pid <NAMESPACE>': the namespace of another container"),
            ("--pid none", "expected host, private, or ns:PATH"),
            ("--ipc none", "{\"mounts\": {\"remove\": [\"/dev/shm\"]}}"),
            ("--uts x", "'--uts <NAMESPACE>'"),
            ("--userns private", "userRange"),
            ("--userns keep-id", "expected host, or ns:PATH"),
            ("--cgroupns ns:", "expected host, private, or ns:PATH"),
        ] {
            refused(flags, words);
        }
    }
}
