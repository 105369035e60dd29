//! What surrounds the process.

use crate::api::pb::specd as pb;
use crate::api::request::{equipment, moved, root};
use crate::domain::request::{
    DeviceOptions, MountOptions, NamespaceOptions, Privileged, SeccompOption, SecurityOptions,
};
use crate::domain::sandbox::{
    Cgroup, DeviceNode, DeviceRule, IdMapping, Mount, NamespaceKind, NamespaceOf, check_mappings,
    cleaned,
};
use crate::domain::violation::Violations;
use pb::cgroup_options::Kind as CgroupKind;
use pb::linux_namespace::Kind;
use pb::seccomp_options::Kind as SeccompKind;

pub(super) fn absolute(field: String, path: &str, wrong: &mut Violations) {
    if !path.starts_with('/') || path.contains('\0') {
        wrong.push(field, "must be an absolute path");
    }
}

pub(super) fn mounts(message: pb::MountOptions, wrong: &mut Violations) -> MountOptions {
    for (index, path) in message.remove.iter().enumerate() {
        absolute(format!("options.mounts.remove[{index}]"), path, wrong);
    }
    if message.dev_shm_size_kb == Some(0) {
        wrong.push("options.mounts.dev_shm_size_kb", "must be at least 1");
    }
    let mut tmpfs: Vec<Mount> = Vec::new();
    for (index, mount) in message.tmpfs.into_iter().enumerate() {
        let field = format!("options.mounts.tmpfs[{index}]");
        let mount = root::tmpfs(mount, &field, wrong);
        destination(&mount.destination, &field, &tmpfs, wrong);
        tmpfs.push(mount);
    }
    let mut add: Vec<Mount> = Vec::new();
    for (index, mount) in message.add.into_iter().enumerate() {
        let field = format!("options.mounts.add[{index}]");
        destination(&mount.destination, &field, tmpfs.iter().chain(&add), wrong);
        let mapped = |list: Vec<pb::IdMapping>, name: &str, wrong: &mut Violations| {
            mappings(list, &format!("{field}.{name}"), wrong)
        };
        add.push(Mount {
            uid_mappings: mapped(mount.uid_mappings, "uid_mappings", wrong),
            gid_mappings: mapped(mount.gid_mappings, "gid_mappings", wrong),
            destination: mount.destination,
            kind: mount.r#type,
            source: mount.source,
            options: mount.options,
        });
    }
    MountOptions {
        vm_network: message.vm_network,
        remove: message.remove,
        dev_shm_size_kb: message.dev_shm_size_kb,
        host_localtime: message.host_localtime,
        writable_sysfs: message.writable_sysfs,
        writable_cgroupfs: message.writable_cgroupfs,
        tmpfs,
        add,
    }
}

/// Checks where something is mounted, and that nothing before it is.
fn destination<'a>(
    path: &str,
    field: &str,
    before: impl IntoIterator<Item = &'a Mount>,
    wrong: &mut Violations,
) {
    absolute(format!("{field}.destination"), path, wrong);
    let clean = cleaned(path);
    if before.into_iter().any(|other| cleaned(&other.destination) == clean) {
        wrong.push(format!("{field}.destination"), "is mounted on twice");
    }
}

fn mappings(list: Vec<pb::IdMapping>, field: &str, wrong: &mut Violations) -> Vec<IdMapping> {
    let convert =
        |pb::IdMapping { container_id, host_id, size }| IdMapping { container_id, host_id, size };
    let mappings: Vec<IdMapping> = list.into_iter().map(convert).collect();
    wrong.keep(field, check_mappings(&mappings));
    mappings
}

pub(super) fn namespaces(
    message: pb::NamespaceOptions,
    wrong: &mut Violations,
) -> NamespaceOptions {
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
    let mut of = Vec::new();
    for (name, kind, message) in kinds {
        let field = || format!("options.namespaces.{name}");
        match message.map(|message| message.kind) {
            None => {}
            Some(None) => wrong.push(field(), "must be private, host or a path"),
            Some(Some(Kind::Private(_))) => of.push((kind, NamespaceOf::Private)),
            Some(Some(Kind::Host(_))) => of.push((kind, NamespaceOf::Host)),
            Some(Some(Kind::Path(path))) => {
                absolute(format!("{}.path", field()), &path, wrong);
                of.push((kind, NamespaceOf::Path(path)));
            }
        }
    }
    NamespaceOptions {
        of,
        uid_mappings: mappings(message.uid_mappings, "options.namespaces.uid_mappings", wrong),
        gid_mappings: mappings(message.gid_mappings, "options.namespaces.gid_mappings", wrong),
        time_offsets: moved::time_offsets(message.time_offsets.unwrap_or_default(), wrong),
        net_devices: moved::net_devices(message.net_devices, wrong),
    }
}

pub(super) fn cgroup(message: pb::CgroupOptions, wrong: &mut Violations) -> Option<Cgroup> {
    match message.kind {
        None => None,
        Some(CgroupKind::Path(path)) => {
            absolute("options.cgroup.path".to_owned(), &path, wrong);
            Some(Cgroup::Path(path))
        }
        Some(CgroupKind::Systemd(pb::SystemdCgroup { slice, prefix, name })) => {
            if !slice.ends_with(".slice") {
                wrong.push("options.cgroup.systemd.slice", "must end in \".slice\"");
            }
            for (field, text) in [("slice", &slice), ("prefix", &prefix), ("name", &name)] {
                if text.contains([':', '/']) {
                    let field = format!("options.cgroup.systemd.{field}");
                    wrong.push(field, "must not have a ':' or a '/' in it");
                }
            }
            Some(Cgroup::Systemd { slice, prefix, name })
        }
    }
}

pub(super) fn devices(message: pb::DeviceOptions, wrong: &mut Violations) -> DeviceOptions {
    let mut rules = Vec::new();
    for (index, rule) in message.rules.into_iter().enumerate() {
        let field = format!("options.devices.rules[{index}]");
        if rule.access.is_empty() || !rule.access.chars().all(|letter| "rwm".contains(letter)) {
            wrong.push(format!("{field}.access"), "must be letters of \"rwm\"");
        }
        let kind = match rule.r#type() {
            pb::DeviceType::Unspecified => None,
            pb::DeviceType::All => Some('a'),
            pb::DeviceType::Char => Some('c'),
            pb::DeviceType::Block => Some('b'),
        };
        let pb::DeviceRule { allow, major, minor, access, .. } = rule;
        rules.push(DeviceRule { allow, kind, major, minor, access });
    }
    let mut nodes = Vec::new();
    for (index, node) in message.nodes.into_iter().enumerate() {
        let field = format!("options.devices.nodes[{index}]");
        absolute(format!("{field}.path"), &node.path, wrong);
        let kind = match node.r#type() {
            pb::DeviceType::Char => 'c',
            pb::DeviceType::Block => 'b',
            pb::DeviceType::Unspecified | pb::DeviceType::All => {
                wrong.push(format!("{field}.type"), "must be a character or a block device");
                continue;
            }
        };
        let pb::DeviceNode { path, major, minor, file_mode, uid, gid, .. } = node;
        nodes.push(DeviceNode { path, kind, major, minor, file_mode, uid, gid });
    }
    let host = equipment::host_devices(message.host, wrong);
    let pb::DeviceOptions { allow_default, allow_all, inherit_rules, all_host, .. } = message;
    DeviceOptions { inherit_rules, allow_default, allow_all, rules, nodes, host, all_host }
}

pub(super) fn security(message: pb::SecurityOptions, wrong: &mut Violations) -> SecurityOptions {
    let privileged = match message.privileged() {
        pb::PrivilegedMode::Unspecified => None,
        pb::PrivilegedMode::Containerd => Some(Privileged::Containerd),
        pb::PrivilegedMode::Docker => Some(Privileged::Docker),
    };
    for (name, list) in
        [("masked_paths", &message.masked_paths), ("readonly_paths", &message.readonly_paths)]
    {
        for (index, path) in list.iter().flat_map(|list| &list.values).enumerate() {
            absolute(format!("options.security.{name}.values[{index}]"), path, wrong);
        }
    }
    for key in message.sysctl.keys() {
        let word = |part: &str| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'*'))
        };
        if !key.split(['.', '/']).all(word) {
            let field = format!("options.security.sysctl[{key:?}]");
            wrong.push(field, "must be a kernel parameter, as net.ipv4.ip_forward");
        }
    }
    let seccomp = message.seccomp.and_then(|message| seccomp(message, wrong));
    let filters = seccomp.as_ref().is_some_and(|option| *option != SeccompOption::Unconfined);
    if privileged.is_some() && filters {
        let text = "contradicts options.security.privileged, which takes the filter away";
        wrong.push("options.security.seccomp", text);
    }
    SecurityOptions {
        privileged,
        masked_paths: message.masked_paths.map(|list| list.values),
        readonly_paths: message.readonly_paths.map(|list| list.values),
        no_new_privileges: message.no_new_privileges,
        apparmor_profile: message.apparmor_profile,
        selinux_label: message.selinux_label,
        mount_label: message.mount_label,
        sysctl: message.sysctl.into_iter().collect(),
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
