//! The root and the mounts.

use super::clean_paths::destination;
use super::mount_options::PROPAGATIONS;
use super::{Findings, namespaces, user_namespace};
use crate::oci::{IdMapping, Mount, Spec, place};

/// What may be mounted inside `/proc`: files that can be emulated.
const INSIDE_PROC: [&str; 10] = [
    "/proc/cpuinfo",
    "/proc/diskstats",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/swaps",
    "/proc/uptime",
    "/proc/loadavg",
    "/proc/slabinfo",
    "/proc/sys/kernel/ns_last_pid",
    "/proc/sys/crypto/fips_enabled",
];

fn all(spec: &Spec) -> impl Iterator<Item = (usize, &Mount)> {
    spec.mounts.iter().map(|mount| &**mount).enumerate()
}

/// The spec has a root.
pub(super) fn root(spec: &Spec, findings: &mut Findings) {
    if spec.root.is_none() {
        findings.add(place!["root"], "is missing");
    }
}

/// The propagation of the root's mounts is known.
pub(super) fn propagation(spec: &Spec, findings: &mut Findings) {
    let propagation = spec.linux.as_ref().map_or("", |linux| &linux.rootfs_propagation);
    if !propagation.is_empty() && !PROPAGATIONS.contains(&propagation) {
        let text = format_args!("must be one of {}", PROPAGATIONS.join(", "));
        findings.add(place!["linux", "rootfsPropagation"], text);
    }
}

/// The mounts of the root can be bound, which masked and read-only paths take.
pub(super) fn bindable(spec: &Spec, findings: &mut Findings) {
    if spec.linux.as_ref().is_some_and(|linux| linux.rootfs_propagation == "runbindable") {
        let text = "lets no runtime make a path read-only, and runc 1.1 refuses it";
        findings.add(place!["linux", "rootfsPropagation"], text);
    }
}

/// The spec has mounts.
pub(super) fn list(spec: &Spec, findings: &mut Findings) {
    if spec.mounts.is_empty() {
        let text = "is missing: crun refuses that, and runc 1.3 and older need a mount on /proc";
        findings.add(place!["mounts"], text);
    }
}

/// The spec has a Linux section.
pub(super) fn linux(spec: &Spec, findings: &mut Findings) {
    if spec.linux.is_none() {
        findings.add(place!["linux"], "is missing, which crun refuses");
    }
}

/// Destinations are absolute.
pub(super) fn absolute(spec: &Spec, findings: &mut Findings) {
    for (index, mount) in all(spec) {
        if !mount.destination.is_empty() && !mount.destination.starts_with('/') {
            let text = "should be an absolute path; runtimes read it as relative to /";
            findings.add(place!["mounts", index, "destination"], text);
        }
    }
}

/// A terminal has a directory of terminals.
pub(super) fn terminals(spec: &Spec, findings: &mut Findings) {
    let terminal = spec.process.as_ref().is_some_and(|process| process.terminal);
    let has = |mount: &Mount| match &*destination(mount) {
        "/dev/pts" => mount.kind == "devpts" || mount.is_bind(),
        "/dev" => mount.is_bind(),
        _ => false,
    };
    if terminal && !spec.mounts.is_empty() && !spec.mounts.iter().any(|mount| has(mount)) {
        let text = "needs a devpts on /dev/pts";
        findings.add_contradiction(place!["process", "terminal"], place!["mounts"], text);
    }
}

/// Nothing is mounted on the root.
pub(super) fn below_root(spec: &Spec, findings: &mut Findings) {
    for (index, mount) in all(spec).filter(|(_, mount)| !mount.destination.is_empty()) {
        if destination(mount) == "/" {
            let place = place!["mounts", index, "destination"];
            findings.add(place, "must not be the container's root");
        }
    }
}

/// Every mount has a type, or is a bind mount.
pub(super) fn kind(spec: &Spec, findings: &mut Findings) {
    for (index, mount) in all(spec).filter(|(_, mount)| !mount.is_bind()) {
        let place = || place!["mounts", index, "type"];
        match mount.kind.as_str() {
            "" => findings.add(place(), "is missing: set it, or the option bind or rbind"),
            kind @ ("bind" | "none") => {
                let text = "is not a Linux filesystem type; use the option bind or rbind";
                findings.add(place(), format_args!("{kind:?} {text}"));
            }
            _ => {}
        }
    }
}

/// A bind mount has a source.
pub(super) fn source(spec: &Spec, findings: &mut Findings) {
    for (index, _) in all(spec).filter(|(_, mount)| mount.is_bind() && mount.source.is_empty()) {
        let text = "is missing: runc binds the directory of the bundle, and crun refuses it";
        findings.add(place!["mounts", index, "source"], text);
    }
}

/// Content is copied up only into a tmpfs.
pub(super) fn copy_up(spec: &Spec, findings: &mut Findings) {
    for (index, mount) in all(spec).filter(|(_, mount)| mount.kind != "tmpfs") {
        for (at, _) in mount.options.iter().enumerate().filter(|(_, it)| *it == "tmpcopyup") {
            let text = "is only for tmpfs; crun refuses it on another type";
            findings.add(place!["mounts", index, "options", at], text);
        }
    }
}

/// What runc makes read-only by a second mount is read-only in the container's mount namespace, and not in the host's.
pub(super) fn readonly_namespace(spec: &Spec, findings: &mut Findings) {
    if namespaces::exists(spec, "mount") {
        return;
    }
    for (index, mount) in all(spec) {
        let later = (mount.kind == "tmpfs" && !mount.is_bind()) || destination(mount) == "/dev";
        let access = mount.options.iter().rposition(|it| it == "ro" || it == "rw");
        if let Some(at) = access.filter(|at| later && mount.options[*at] == "ro") {
            let place = place!["mounts", index, "options", at];
            let text = "needs a private mount namespace";
            findings.add_contradiction(place, namespaces::place_of("mount"), text);
        }
    }
}

/// crun makes the directory of a proc or a sysfs only directly below the root.
pub(super) fn proc_depth(spec: &Spec, findings: &mut Findings) {
    let shows_kernel = |mount: &Mount| matches!(mount.kind.as_str(), "proc" | "sysfs");
    for (index, mount) in all(spec).filter(|(_, mount)| shows_kernel(mount) && !mount.is_bind()) {
        if destination(mount).matches('/').count() > 1 {
            let text = format_args!(
                "needs a directory in the root filesystem: crun makes none for a {}",
                mount.kind
            );
            findings.add(place!["mounts", index, "destination"], text);
        }
    }
}

/// How many nodes and links runtimes make in `/dev`, with room for directories of mounts.
const DEV_INODES: u32 = 32;

/// What is mounted on `/dev` takes the nodes that a runtime makes and opens.
pub(super) fn dev_options(spec: &Spec, findings: &mut Findings) {
    for (index, mount) in all(spec).filter(|(_, mount)| destination(mount) == "/dev") {
        for (at, option) in mount.options.iter().enumerate() {
            let inodes = option.strip_prefix("nr_inodes=").and_then(|number| number.parse().ok());
            let place = || place!["mounts", index, "options", at];
            if inodes.is_some_and(|number: u32| (1..DEV_INODES).contains(&number)) {
                let text = format_args!(
                    "should be at least {DEV_INODES}, for the nodes and links of /dev"
                );
                findings.add(place(), text);
            } else if option == "rro" {
                findings.add(place(), "should be ro on /dev: crun makes no devices after rro");
            } else if option == "nodev" {
                findings.add(place(), "should not be set on /dev: a runtime opens /dev/null there");
            }
        }
    }
}

/// IDs are mapped only in bind mounts.
pub(super) fn mapped_bind(spec: &Spec, findings: &mut Findings) {
    for (index, mount) in all(spec).filter(|(_, mount)| !mount.is_bind()) {
        for (name, list) in mapping_lists(mount) {
            if !list.is_empty() {
                findings.add(place!["mounts", index, name], "is only for bind mounts");
            }
        }
        for (at, option) in mount.options.iter().enumerate() {
            if matches!(&**option, "idmap" | "ridmap") {
                findings.add(place!["mounts", index, "options", at], "is only for bind mounts");
            }
        }
    }
}

pub(super) fn mapping_lists(mount: &Mount) -> [(&'static str, &[IdMapping]); 2] {
    [("uidMappings", &mount.uid_mappings), ("gidMappings", &mount.gid_mappings)]
}

/// Both users and groups are mapped, or neither.
pub(super) fn mapped_both(spec: &Spec, findings: &mut Findings) {
    for (index, mount) in all(spec).filter(|(_, mount)| mount.is_bind()) {
        let lists = mapping_lists(mount);
        let asked = mount.options.iter().any(|option| matches!(&**option, "idmap" | "ridmap"));
        let given = lists.iter().any(|(_, list)| !list.is_empty());
        let of_container = || asked && !given && namespaces::exists(spec, "user");
        if (asked || given) && !of_container() {
            for (name, _) in lists.into_iter().filter(|(_, list)| list.is_empty()) {
                let text = "is missing: a mount maps both users and groups";
                findings.add(place!["mounts", index, name], text);
            }
        }
    }
}

/// The mappings of a mount are those of a user namespace.
pub(super) fn mapped_ranges(spec: &Spec, findings: &mut Findings) {
    for (index, mount) in all(spec).filter(|(_, mount)| mount.is_bind()) {
        for (name, list) in mapping_lists(mount) {
            user_namespace::check_ranges(&place!["mounts", index, name], list, findings);
        }
    }
}

/// Something is mounted on `/proc`.
pub(super) fn proc_exists(spec: &Spec, findings: &mut Findings) {
    if !spec.mounts.is_empty() && !spec.mounts.iter().any(|mount| destination(mount) == "/proc") {
        findings.add(place!["mounts"], "have nothing on /proc, which runc 1.3 and older need");
    }
}

/// The filesystem on `/proc` is a proc, since what protects the host relies on it.
pub(super) fn proc(spec: &Spec, findings: &mut Findings) {
    for (index, mount) in all(spec).filter(|(_, mount)| !mount.is_bind()) {
        if !matches!(&*mount.kind, "" | "proc") && destination(mount) == "/proc" {
            let text = "must be proc where the destination is /proc";
            findings.add(place!["mounts", index, "type"], text);
        }
    }
}

/// The links of `/proc` can be followed.
pub(super) fn proc_links(spec: &Spec, findings: &mut Findings) {
    for (index, mount) in all(spec).filter(|(_, mount)| destination(mount) == "/proc") {
        for (at, _) in mount.options.iter().enumerate().filter(|(_, it)| *it == "nosymfollow") {
            let place = place!["mounts", index, "options", at];
            findings.add(place, "stops runc 1.1, which follows the links of /proc/self/fd");
        }
    }
}

/// No control groups are mounted inside `/proc`.
pub(super) fn cgroups_inside_proc(spec: &Spec, findings: &mut Findings) {
    for (index, mount) in all(spec).filter(|(_, mount)| mount.kind == "cgroup") {
        if !mount.is_bind() && destination(mount).starts_with("/proc/") {
            let place = place!["mounts", index, "destination"];
            findings.add(place, "is inside /proc, where runc mounts no hierarchy of version 1");
        }
    }
}

/// Nothing is mounted inside `/proc` except files that can be emulated, over which only files can be bound.
pub(super) fn inside_proc(spec: &Spec, findings: &mut Findings) {
    let mut is_proc_mounted = false;
    for (index, mount) in all(spec) {
        let path = destination(mount);
        is_proc_mounted |= path == "/proc";
        if !path.starts_with("/proc/") {
            continue;
        }
        if !INSIDE_PROC.contains(&&*path) {
            findings.add(place!["mounts", index, "destination"], "must not be inside /proc");
        } else if !mount.is_bind() && is_proc_mounted {
            let text = format_args!("must be a bind mount, since {path} is a file");
            findings.add(place!["mounts", index, "type"], text);
        }
    }
}
