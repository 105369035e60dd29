//! Namespaces, the control group and hardening.

use super::absolute;
use super::convert::{Convert, convert};
use crate::api::pb::specd as pb;
use crate::domain::request::{
    NamespaceOptions, PathChanges, Privileged, Rootless, SeccompOption, SecurityOptions,
};
use crate::domain::sandbox::{CgroupPath, NamespaceKind, NamespaceTarget, UserMounts};
use crate::domain::violation::Violations;
use crate::oci::{IdMapping, NetDevice, TimeOffset};
use pb::cgroup_options::Kind as CgroupKind;
use pb::linux_namespace::Kind;
use pb::seccomp_options::Kind as SeccompKind;
use std::collections::BTreeMap;

convert! {
    IdMapping => IdMapping { container_id, host_id, size }
    TimeOffset => TimeOffset { secs, nanosecs }
}

pub(super) fn namespaces(
    message: pb::NamespaceOptions,
    wrong: &mut Violations,
) -> NamespaceOptions {
    let user_mounts = match message.user_mounts() {
        pb::UserMounts::Unspecified => None,
        pb::UserMounts::Rewrite => Some(UserMounts::Rewrite),
        pb::UserMounts::Keep => Some(UserMounts::Keep),
    };
    let mapped = !message.uid_mappings.is_empty() || !message.gid_mappings.is_empty();
    if mapped && message.user_range.is_some() {
        let text = "contradicts options.namespaces.uid_mappings and gid_mappings: set one of them";
        wrong.push("options.namespaces.user_range", text);
    }
    let user_range = message.user_range.map(|pb::UserRange { host_id, size }| IdMapping {
        container_id: 0,
        host_id,
        size,
        ..IdMapping::default()
    });
    let kinds = [
        ("pid", NamespaceKind::Pid, message.pid),
        ("ipc", NamespaceKind::Ipc, message.ipc),
        ("uts", NamespaceKind::Uts, message.uts),
        ("mount", NamespaceKind::Mount, message.mount),
        ("network", NamespaceKind::Network, message.network),
        ("cgroup", NamespaceKind::Cgroup, message.cgroup),
        ("user", NamespaceKind::User, message.user),
        ("time", NamespaceKind::Time, message.time),
    ];
    let mut set: Vec<(NamespaceKind, NamespaceTarget)> = Vec::new();
    for (name, kind, message) in kinds {
        let field = || format!("options.namespaces.{name}");
        match message.map(|message| message.kind) {
            None => {}
            Some(None) => wrong.push(field(), "must be private, host or a path"),
            Some(Some(Kind::Private(_))) => set.push((kind, NamespaceTarget::Private)),
            Some(Some(Kind::Host(_))) => set.push((kind, NamespaceTarget::Host)),
            Some(Some(Kind::Path(path))) => {
                absolute(|| format!("{}.path", field()), &path, wrong);
                set.push((kind, NamespaceTarget::Path(path)));
            }
        }
    }
    let user = set.iter().find(|(kind, _)| *kind == NamespaceKind::User).map(|(_, user)| user);
    let contradicts = match user {
        Some(NamespaceTarget::Host) => mapped || user_range.is_some(),
        Some(NamespaceTarget::Path(_)) => user_range.is_some(),
        Some(NamespaceTarget::Private) | None => false,
    };
    if contradicts {
        let text = "contradicts the IDs that are mapped: they take a private user namespace";
        wrong.push("options.namespaces.user", text);
    }
    NamespaceOptions {
        set,
        user_range,
        user_mounts,
        uid_mappings: message.uid_mappings.convert(),
        gid_mappings: message.gid_mappings.convert(),
        time_offsets: time_offsets(message.time_offsets.unwrap_or_default()),
        net_devices: message.net_devices.into_iter().map(net_device).collect(),
    }
}

/// Checks who runs the runtime, and that the other options suit an ordinary user.
pub(super) fn rootless(
    message: pb::RootlessOptions,
    options: &pb::SpecOptions,
    wrong: &mut Violations,
) -> Rootless {
    let user = match (message.uid, message.gid) {
        (Some(uid), Some(gid)) => Some((uid, gid)),
        (None, None) => None,
        _ => {
            let text = "needs both uid and gid, or neither: the container has no user namespace of its own then";
            wrong.push("options.rootless", text);
            None
        }
    };
    if user.is_some() {
        let namespaces = options.namespaces.as_ref();
        let own = |it: &pb::NamespaceOptions| {
            let kind = it.user.as_ref().and_then(|user| user.kind.as_ref());
            kind.is_some_and(|kind| !matches!(kind, Kind::Private(_)))
        };
        if namespaces.is_some_and(own) {
            let text = "contradicts options.rootless.uid, which makes a private user namespace";
            wrong.push("options.namespaces.user", text);
        }
        if namespaces.is_some_and(|it| it.user_range.is_some()) {
            let text =
                "contradicts options.rootless.uid: set uid_mappings and gid_mappings for more ids";
            wrong.push("options.namespaces.user_range", text);
        }
        if namespaces.is_some_and(|it| !it.net_devices.is_empty()) {
            let text = "contradicts options.rootless.uid: an ordinary user cannot move devices";
            wrong.push("options.namespaces.net_devices", text);
        }
        if options.user.as_ref().is_some_and(|it| !it.additional_groups.is_empty()) {
            let text = "contradicts options.rootless.uid: an ordinary user cannot set groups";
            wrong.push("options.user.additional_groups", text);
        }
    }
    Rootless { user }
}

fn time_offsets(message: pb::TimeOffsets) -> BTreeMap<String, TimeOffset> {
    let clocks = [("boottime", message.boottime), ("monotonic", message.monotonic)];
    let convert = |(clock, offset): (&str, Option<pb::TimeOffset>)| {
        Some((clock.to_owned(), offset?.convert()))
    };
    clocks.into_iter().filter_map(convert).collect()
}

fn net_device((host, name): (String, String)) -> (String, NetDevice) {
    (host, NetDevice { name, ..NetDevice::default() })
}

/// The longest name of a unit of systemd, in bytes.
const UNIT_BYTES: usize = 255;
const TOO_LONG: &str = "must give a unit name of at most 255 bytes";

/// systemd's `VALID_CHARS`, without the separator of a control group path.
fn is_unit_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'\\' | b'@')
}

/// Checks the name of a slice.
fn check_slice(field: &str, slice: &str, wrong: &mut Violations) {
    match slice.strip_suffix(".slice") {
        None if field.ends_with("parent") => {
            wrong.push(field, "must be an absolute path, or a slice that ends in \".slice\"");
        }
        None => wrong.push(field, "must end in \".slice\""),
        Some("-") => {}
        Some(name) if name.split('-').any(str::is_empty) => {
            let text =
                "must have a name before \".slice\", without '-' at an end or twice in a row";
            wrong.push(field, text);
        }
        Some(_) => {}
    }
    if slice.len() > UNIT_BYTES {
        wrong.push(field, TOO_LONG);
    }
    check_unit_bytes(field, slice, wrong);
}

fn check_unit_bytes(field: &str, text: &str, wrong: &mut Violations) {
    if text.contains([':', '/']) {
        wrong.push(field, "must not contain ':' or '/'");
    } else if !text.bytes().all(is_unit_byte) {
        let text = "must be ASCII letters, digits, '_', '-', '.', '\\' or '@'";
        wrong.push(field, text);
    }
}

pub(super) fn cgroup(message: pb::CgroupOptions, wrong: &mut Violations) -> Option<CgroupPath> {
    match message.kind {
        None => {
            wrong.push("options.cgroup", "must be path, parent or systemd");
            None
        }
        Some(CgroupKind::Path(path)) => {
            absolute(|| "options.cgroup.path".to_owned(), &path, wrong);
            Some(CgroupPath::Path(path))
        }
        Some(CgroupKind::Parent(parent)) => {
            let field = "options.cgroup.parent";
            if parent.starts_with('/') {
                absolute(|| field.to_owned(), &parent, wrong);
            } else {
                check_slice(field, &parent, wrong);
            }
            Some(CgroupPath::Parent(parent))
        }
        Some(CgroupKind::Systemd(pb::SystemdCgroup { slice, prefix, name })) => {
            check_slice("options.cgroup.systemd.slice", &slice, wrong);
            // A scope is PREFIX-NAME.scope.
            if prefix.len() + name.len() + "-.scope".len() > UNIT_BYTES {
                wrong.push("options.cgroup.systemd.name", TOO_LONG);
            }
            check_unit_bytes("options.cgroup.systemd.prefix", &prefix, wrong);
            check_unit_bytes("options.cgroup.systemd.name", &name, wrong);
            Some(CgroupPath::Systemd { slice, prefix, name })
        }
    }
}

pub(super) fn security(message: pb::SecurityOptions, wrong: &mut Violations) -> SecurityOptions {
    let privileged = match message.privileged() {
        pb::PrivilegedMode::Unspecified => None,
        pb::PrivilegedMode::Containerd => Some(Privileged::Containerd),
        pb::PrivilegedMode::Docker => Some(Privileged::Docker),
    };
    let seccomp = message.seccomp.and_then(|message| seccomp(message, wrong));
    let filters = seccomp.as_ref().is_some_and(|option| *option != SeccompOption::Unconfined);
    if privileged.is_some() && filters {
        let text = "contradicts options.security.privileged, which removes the filter";
        wrong.push("options.security.seccomp", text);
    }
    for (field, paths) in [
        ("masked_paths_remove", &message.masked_paths_remove),
        ("readonly_paths_remove", &message.readonly_paths_remove),
    ] {
        for (index, path) in paths.iter().enumerate() {
            absolute(|| format!("options.security.{field}[{index}]"), path, wrong);
        }
    }
    let paths = |set: Option<pb::StringList>, remove: Vec<String>, add: Vec<String>| {
        let is_changed = set.is_some() || !remove.is_empty() || !add.is_empty();
        let set = set.map(|list| list.values);
        is_changed.then(|| Box::new(PathChanges { set, remove, add }))
    };
    SecurityOptions {
        privileged,
        masked_paths: paths(
            message.masked_paths,
            message.masked_paths_remove,
            message.masked_paths_add,
        ),
        readonly_paths: paths(
            message.readonly_paths,
            message.readonly_paths_remove,
            message.readonly_paths_add,
        ),
        no_new_privileges: message.no_new_privileges,
        apparmor_profile: message.apparmor_profile,
        selinux_label: message.selinux_label,
        mount_label: message.mount_label,
        sysctl: message.sysctl,
        seccomp,
    }
}

fn seccomp(message: pb::SeccompOptions, wrong: &mut Violations) -> Option<SeccompOption> {
    match message.kind {
        None => {
            let text = "must be runtime_default, unconfined, docker_policy or oci";
            wrong.push("options.security.seccomp", text);
            None
        }
        Some(SeccompKind::RuntimeDefault(pb::RuntimeDefaultSeccomp { policy })) => {
            Some(SeccompOption::RuntimeDefault((!policy.is_empty()).then_some(policy)))
        }
        Some(SeccompKind::Unconfined(_)) => Some(SeccompOption::Unconfined),
        Some(SeccompKind::DockerPolicy(text)) => Some(SeccompOption::Docker(text)),
        Some(SeccompKind::Oci(text)) => Some(SeccompOption::Oci(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is wrong with a unit of systemd.
    fn wrong(slice: &str, prefix: &str, name: &str) -> String {
        let [slice, prefix, name] = [slice, prefix, name].map(str::to_owned);
        let kind = Some(CgroupKind::Systemd(pb::SystemdCgroup { slice, prefix, name }));
        let mut wrong = Violations::default();
        cgroup(pb::CgroupOptions { kind }, &mut wrong);
        wrong.to_string()
    }

    #[test]
    fn units_of_systemd_have_names_that_it_accepts() {
        for slice in ["system.slice", "-.slice", "a-b.slice", "kubepods-pod1_2.slice"] {
            assert_eq!(wrong(slice, "specd", "web-1"), "", "{slice}");
        }
        for slice in ["foo", ".slice", "a--b.slice", "-a.slice", "a-.slice", "a b.slice", "é.slice"]
        {
            let found = wrong(slice, "specd", "web-1");
            assert!(found.starts_with("options.cgroup.systemd.slice: must "), "{slice}: {found}");
        }
        let long = format!("{}.slice", "a".repeat(250));
        assert!(wrong(&long, "p", "n").contains("slice: must give a unit name of at most 255"));
        assert!(wrong("a.slice", "p", &"n".repeat(248)).contains("name: must give a unit name"));
        assert!(wrong("a.slice", "p", "a b").contains("systemd.name: must be ASCII letters"));
    }

    #[test]
    fn a_parent_is_a_path_or_a_slice() {
        let wrong = |parent: &str| {
            let kind = Some(CgroupKind::Parent(parent.to_owned()));
            let mut wrong = Violations::default();
            cgroup(pb::CgroupOptions { kind }, &mut wrong);
            wrong.to_string()
        };
        for parent in ["/", "/kubepods/pod-1", "system.slice", "-.slice", "/a.slice/b:c"] {
            assert_eq!(wrong(parent), "", "{parent}");
        }
        for parent in ["", "kubepods", "a/b.slice", "a--b.slice", "a:b.slice", "/\0"] {
            assert!(wrong(parent).starts_with("options.cgroup.parent: must "), "{parent}");
        }
    }
}
