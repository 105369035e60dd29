//! The options of mounts: flags of the mount itself, and options of the filesystems that every container has.

use super::Findings;
use super::clean_paths::destination;
use super::filesystem_options::{is_label, options_of};
use crate::oci::{Mount, Spec, place};

pub(super) const PROPAGATIONS: [&str; 8] =
    ["private", "rprivate", "slave", "rslave", "shared", "rshared", "unbindable", "runbindable"];

/// Flags that change a mount and all mounts below it.
#[rustfmt::skip]
pub(super) const RECURSIVE_FLAGS: [&str; 18] = [
    "rro", "rrw", "rnosuid", "rsuid", "rnodev", "rdev", "rnoexec", "rexec", "rnodiratime", "rdiratime", "rrelatime",
    "rnorelatime", "rnoatime", "ratime", "rstrictatime", "rnostrictatime", "rnosymfollow", "rsymfollow",
];

/// Whether an option is a flag of the mount itself. Any other option is one of a filesystem.
#[rustfmt::skip]
fn is_flag(option: &str) -> bool {
    matches!(
        option,
        "async" | "atime" | "bind" | "defaults" | "dev" | "diratime" | "dirsync" | "exec" | "iversion" | "lazytime"
            | "loud" | "mand" | "noatime" | "nodev" | "nodiratime" | "noexec" | "noiversion" | "nolazytime" | "nomand"
            | "norelatime" | "nostrictatime" | "nosuid" | "nosymfollow" | "rbind" | "relatime" | "remount" | "ro" | "rw"
            | "silent" | "strictatime" | "suid" | "sync" | "symfollow"
            | "tmpcopyup" | "idmap" | "ridmap"
    ) || RECURSIVE_FLAGS.contains(&option)
        || PROPAGATIONS.contains(&option)
}

/// Options of crun, some with a value, which runc takes for those of a filesystem.
fn is_of_crun(option: &str) -> bool {
    matches!(option, "copy-symlink" | "src-nofollow" | "dest-nofollow")
        || option.starts_with("idmap=")
        || option.starts_with("ridmap=")
}

/// Whether an option is not a flag. An empty option is ignored, and one with a NUL byte breaks another rule.
fn is_other(option: &str) -> bool {
    let has = |byte| option.as_bytes().contains(&byte);
    !option.is_empty() && !has(0) && (has(b'=') || !is_flag(option))
}

/// The options of a spec's mounts that are not flags, with their positions: those that are wanted, of the mounts that are.
fn others(
    spec: &Spec,
    mounts: fn(&Mount) -> bool,
    options: fn(&str) -> bool,
) -> impl Iterator<Item = (usize, &Mount, usize, &str)> {
    let mounts = spec.mounts.iter().enumerate().filter(move |(_, mount)| mounts(mount));
    mounts.flat_map(move |(index, mount)| {
        let all = mount.options.iter().map(String::as_str).enumerate();
        let others = all.filter(move |(_, option)| options(option) && is_other(option));
        others.map(move |(at, option)| (index, &**mount, at, option))
    })
}

/// A bind mount has no options of a filesystem, which the kernel would ignore.
pub(super) fn bind(spec: &Spec, findings: &mut Findings) {
    for (index, _, at, option) in others(spec, Mount::is_bind, |it| !is_of_crun(it)) {
        let place = place!["mounts", index, "options", at];
        findings.add(place, format_args!("{option:?} is not an option of a bind mount"));
    }
}

/// A filesystem that every container has gets only options that it knows, with values that it accepts.
pub(super) fn known(spec: &Spec, findings: &mut Findings) {
    check_known(spec, findings, |mount| !mount.is_bind(), |mount| &mount.kind);
}

/// Control groups get only options that those of version 2 know. Those of version 1 ignore them.
pub(super) fn known_by_version_2(spec: &Spec, findings: &mut Findings) {
    let is_it = |mount: &Mount| mount.kind == "cgroup" && !mount.is_bind();
    check_known(spec, findings, is_it, |_| "cgroup2");
}

/// Checks the options of the mounts that are wanted, each with the filesystem that gets them.
fn check_known(
    spec: &Spec,
    findings: &mut Findings,
    mounts: fn(&Mount) -> bool,
    filesystem: fn(&Mount) -> &str,
) {
    for (index, mount, at, option) in others(spec, mounts, |_| true) {
        let Some(known) = options_of(filesystem(mount)) else { continue };
        let (name, value) = match option.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (option, None),
        };
        let place = || place!["mounts", index, "options", at];
        match known.iter().find(|(known, _)| *known == name) {
            Some((_, wanted)) if wanted.accepts(value) => {}
            Some(_) => {
                let text =
                    format_args!("{option:?} does not have a value that {} accepts", mount.kind);
                findings.add(place(), text);
            }
            None if is_label(name) || is_of_crun(option) => {}
            None => {
                let text =
                    format_args!("{option:?} is neither a flag nor an option of {}", mount.kind);
                findings.add(place(), text);
            }
        }
    }
}

/// No option is one of crun alone.
pub(super) fn of_crun(spec: &Spec, findings: &mut Findings) {
    for (index, _, at, option) in others(spec, |_| true, is_of_crun) {
        let place = place!["mounts", index, "options", at];
        findings.add(place, format_args!("{option:?} is an option of crun alone; runc refuses it"));
    }
}

/// No option is `defaults`, which some releases of runc pass on to the filesystem.
pub(super) fn defaults(spec: &Spec, findings: &mut Findings) {
    for (index, mount) in spec.mounts.iter().enumerate() {
        for (at, _) in mount.options.iter().enumerate().filter(|(_, it)| *it == "defaults") {
            let text = "has no effect, and runc 1.6.0-rc.1 and 1.1 refuse it: leave it out";
            findings.add(place!["mounts", index, "options", at], text);
        }
    }
}

/// Only what is mounted is mounted again.
pub(super) fn remount(spec: &Spec, findings: &mut Findings) {
    for (index, mount) in spec.mounts.iter().enumerate() {
        let Some(at) = mount.options.iter().position(|option| option == "remount") else {
            continue;
        };
        let path = destination(mount);
        if !spec.mounts[..index].iter().any(|earlier| destination(earlier) == path) {
            let text = format_args!("needs an earlier mount on {path}");
            findings.add(place!["mounts", index, "options", at], text);
        }
    }
}

/// The mounts for which crun has options of its own, each with its filesystem.
const WITH_DEFAULTS: [(&str, &[&str]); 4] = [
    ("/dev", &["tmpfs"]),
    ("/dev/pts", &["devpts"]),
    ("/dev/shm", &["tmpfs"]),
    ("/sys/fs/cgroup", &["cgroup", "cgroup2"]),
];

/// A mount without options is of the filesystem for which crun has options there.
pub(super) fn options_of_crun(spec: &Spec, findings: &mut Findings) {
    let bare = |mount: &Mount| mount.options.is_empty() && !mount.is_bind();
    for (index, mount) in spec.mounts.iter().enumerate().filter(|(_, mount)| bare(mount)) {
        let place = destination(mount);
        let known = WITH_DEFAULTS.iter().find(|(path, _)| *path == place);
        if let Some((_, kinds)) = known
            && !kinds.contains(&&*mount.kind)
        {
            let text = format_args!(
                "is missing: crun mounts what is on {place} with the options of a {}",
                kinds[0]
            );
            findings.add(place!["mounts", index, "options"], text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_the_kernel_reads_them() {
        let accepts = |filesystem: &str, option: &str| {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            let value = option.contains('=').then_some(value);
            let options = options_of(filesystem).unwrap();
            options.iter().any(|(known, wanted)| *known == name && wanted.accepts(value))
        };
        for option in [
            "mode=1777",
            "size=65536k",
            "size=50%",
            "size=0",
            "uid=0",
            "gid=4294967294",
            "nr_inodes=0x10",
            "noswap",
            "huge=x",
            "mpol=bind:0-1",
            "mpol=interleave=static",
            "mpol=local",
        ] {
            assert!(accepts("tmpfs", option), "{option}");
        }
        for option in [
            "mpol=bind",
            "mpol=local:0",
            "mpol=x",
            "mode=8",
            "mode=",
            "mode",
            "size",
            "size=",
            "size=-1",
            "size=10q",
            "size=%",
            "uid=-1",
            "uid=4294967295",
            "gid=x",
            "nr_inodes=10%",
            "noswap=1",
            "acl",
            "user",
        ] {
            assert!(!accepts("tmpfs", option), "{option}");
        }
        for option in ["hidepid=2", "hidepid=invisible", "subset=pid"] {
            assert!(accepts("proc", option), "{option}");
        }
        assert!(!accepts("proc", "hidepid=3") && !accepts("devpts", "size=1m"));
        assert!(!accepts("sysfs", "mode=1") && options_of("ext4").is_none());
    }
}
