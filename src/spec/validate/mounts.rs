//! The root and the mounts.

use super::Found;
use super::node::Node;
use crate::domain::sandbox::cleaned;

const PROPAGATIONS: [&str; 8] =
    ["private", "rprivate", "slave", "rslave", "shared", "rshared", "unbindable", "runbindable"];

/// Options that a bind mount has room for: flags of the mount itself. Whatever else is an option of a
/// filesystem.
const FLAGS: [&str; 56] = [
    "async",
    "atime",
    "bind",
    "dev",
    "diratime",
    "dirsync",
    "exec",
    "iversion",
    "lazytime",
    "loud",
    "mand",
    "noatime",
    "nodev",
    "nodiratime",
    "noexec",
    "noiversion",
    "nolazytime",
    "nomand",
    "norelatime",
    "nostrictatime",
    "nosuid",
    "nosymfollow",
    "rbind",
    "relatime",
    "remount",
    "ro",
    "rw",
    "silent",
    "strictatime",
    "suid",
    "sync",
    "symfollow",
    "rro",
    "rrw",
    "rnosuid",
    "rsuid",
    "rnodev",
    "rdev",
    "rnoexec",
    "rexec",
    "rnodiratime",
    "rdiratime",
    "rrelatime",
    "rnorelatime",
    "rnoatime",
    "ratime",
    "rstrictatime",
    "rnostrictatime",
    "rnosymfollow",
    "rsymfollow",
    "tmpcopyup",
    "idmap",
    "ridmap",
    // Options of crun and of newer runtimes, which are no filesystem's either.
    "copy-symlink",
    "src-nofollow",
    "dest-nofollow",
];

/// What may be mounted inside `/proc`: files that are emulated.
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

fn all(spec: Node<'_>) -> impl Iterator<Item = Node<'_>> {
    spec.get("mounts").items().filter(|mount| mount.value.is_object())
}

fn destination(mount: Node<'_>) -> String {
    cleaned(mount.get("destination").text().unwrap_or_default())
}

fn is_bind(mount: Node<'_>) -> bool {
    mount.get("options").texts().any(|option| matches!(option, "bind" | "rbind"))
}

/// There is a root.
pub(super) fn root(spec: Node<'_>, found: &mut Found) {
    let root = spec.get("root");
    if !root.is_there() {
        found.add(root, "is missing");
    }
}

/// How the root's mounts spread is one of the ways there are.
pub(super) fn propagation(spec: Node<'_>, found: &mut Found) {
    let propagation = spec.get("linux").get("rootfsPropagation");
    if propagation.filled_text().is_some_and(|text| !PROPAGATIONS.contains(&text)) {
        found.add(propagation, format_args!("must be one of {}", PROPAGATIONS.join(", ")));
    }
}

/// There is a list of mounts.
pub(super) fn list(spec: Node<'_>, found: &mut Found) {
    let mounts = spec.get("mounts");
    if !mounts.is_there() {
        found.add(mounts, "is missing, crun refuses that and runc needs a /proc");
    }
}

/// There is a section for Linux.
pub(super) fn linux(spec: Node<'_>, found: &mut Found) {
    let linux = spec.get("linux");
    if !linux.is_there() {
        found.add(linux, "is missing, crun refuses that");
    }
}

/// Destinations are absolute.
pub(super) fn absolute(spec: Node<'_>, found: &mut Found) {
    for destination in all(spec).map(|mount| mount.get("destination")) {
        if destination.filled_text().is_some_and(|path| !path.starts_with('/')) {
            found.add(destination, "should be an absolute path, / is put before it");
        }
    }
}

/// No mount lies hidden below another.
pub(super) fn once(spec: Node<'_>, found: &mut Found) {
    for (index, mount) in all(spec).enumerate() {
        let path = destination(mount);
        if all(spec).skip(index + 1).any(|later| destination(later) == path) {
            found.add(mount.get("destination"), "is mounted on twice, the first is never seen");
        }
    }
}

/// Nothing is mounted over the root.
pub(super) fn below_root(spec: Node<'_>, found: &mut Found) {
    for mount in all(spec).filter(|mount| destination(*mount) == "/") {
        let node = mount.get("destination");
        if node.text().is_some() {
            found.add(node, "must not be the container's root");
        }
    }
}

/// Every mount has a type, or binds what is there.
pub(super) fn kind(spec: Node<'_>, found: &mut Found) {
    for mount in all(spec).filter(|mount| !is_bind(*mount)) {
        let kind = mount.get("type");
        match kind.text() {
            None | Some("") if kind.text().is_some() || !kind.is_there() => {
                found.add(kind, "is needed, unless an option is bind or rbind");
            }
            Some("bind" | "none") => {
                found.add(kind, "is none of Linux: what binds is the option bind or rbind");
            }
            _ => {}
        }
    }
}

/// A bind mount has no options of a filesystem, which the kernel would leave out.
pub(super) fn bind_options(spec: Node<'_>, found: &mut Found) {
    for option in
        all(spec).filter(|mount| is_bind(*mount)).flat_map(|mount| mount.get("options").items())
    {
        let plain = |text: &str| FLAGS.contains(&text) || PROPAGATIONS.contains(&text);
        // Options of older runtimes' own that carry a value.
        let own = |text: &str| text.starts_with("idmap=") || text.starts_with("ridmap=");
        if option.filled_text().is_some_and(|text| !plain(text) && !own(text)) {
            found.add(option, format_args!("{} is no option of a bind mount", option.value));
        }
    }
}

/// Content is copied up into a tmpfs and nothing else.
pub(super) fn copy_up(spec: Node<'_>, found: &mut Found) {
    for mount in all(spec).filter(|mount| mount.get("type").text() != Some("tmpfs")) {
        for option in mount.get("options").items() {
            if option.text() == Some("tmpcopyup") {
                found.add(option, "is for tmpfs alone, crun refuses it elsewhere");
            }
        }
    }
}

/// Ids are mapped in bind mounts, the one kind in which runtimes can.
pub(super) fn mapped_bind(spec: Node<'_>, found: &mut Found) {
    for mount in all(spec).filter(|mount| !is_bind(*mount)) {
        for list in ["uidMappings", "gidMappings"].map(|name| mount.get(name)) {
            if list.is_there() {
                found.add(list, "is for bind mounts alone");
            }
        }
    }
}

/// Both users and groups are mapped, or neither.
pub(super) fn mapped_both(spec: Node<'_>, found: &mut Found) {
    for mount in all(spec).filter(|mount| is_bind(*mount)) {
        let (users, groups) = (mount.get("uidMappings"), mount.get("gidMappings"));
        let asked = mount.get("options").texts().any(|option| matches!(option, "idmap" | "ridmap"));
        let given = users.is_there() || groups.is_there();
        let of_container = asked && !given && super::namespaces::is_there(spec, "user");
        if (asked || given) && !of_container {
            for list in [users, groups].into_iter().filter(|list| !list.is_filled()) {
                found.add(list, "is needed: a mount maps both users and groups");
            }
        }
    }
}

/// Something lies on `/proc`.
pub(super) fn proc_is_there(spec: Node<'_>, found: &mut Found) {
    let mounts = spec.get("mounts");
    if mounts.value.is_array() && !all(spec).any(|mount| destination(mount) == "/proc") {
        found.add(mounts, "have none on /proc, which runc needs");
    }
}

/// On `/proc` lies a proc, for what protects the host looks there.
pub(super) fn proc(spec: Node<'_>, found: &mut Found) {
    for mount in all(spec).filter(|mount| destination(*mount) == "/proc" && !is_bind(*mount)) {
        let kind = mount.get("type");
        if kind.filled_text().is_some_and(|kind| kind != "proc") {
            found.add(kind, "must be proc where the destination is /proc");
        }
    }
}

/// Nothing is mounted inside `/proc` but files that are emulated.
pub(super) fn inside_proc(spec: Node<'_>, found: &mut Found) {
    for mount in all(spec) {
        let path = destination(mount);
        if path.starts_with("/proc/") && !INSIDE_PROC.contains(&path.as_str()) {
            found.add(mount.get("destination"), "must not be inside /proc");
        }
    }
}
