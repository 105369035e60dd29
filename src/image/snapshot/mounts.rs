//! From the mounts of a snapshot to the directories that they consist of.
//!
//! Pure. An option is refused unless it is known not to change files: a wrong directory would give wrong
//! users.

use crate::store::{Mount, SnapshotError};
use std::path::{Component, Path, PathBuf};

/// The prefix of the extended attributes of overlayfs.
///
/// A mount uses only one of them, by default the one that the files of an image cannot have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marks {
    /// `trusted.overlay.*`, which only `CAP_SYS_ADMIN` in the initial user namespace can see.
    Trusted,
    /// `user.overlay.*`, if the mount has the option `userxattr`.
    User,
}

/// The directories of a mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stack {
    /// Absolute paths of the host, the newest first.
    pub(super) directories: Vec<PathBuf>,
    /// How the directories are merged; absent for a single directory, in which a whiteout is a device.
    pub(super) marks: Option<Marks>,
}

/// Options of any mount that change no file.
const PLAIN: &[&str] = &[
    "ro",
    "rw",
    "nodev",
    "nosuid",
    "noexec",
    "noatime",
    "nodiratime",
    "relatime",
    "strictatime",
    "sync",
];

/// Options of overlayfs that change no file, or that leave marks which are checked.
const OVERLAY: &[&str] =
    &["index", "metacopy", "nfs_export", "redirect_dir", "uuid", "volatile", "xino"];

fn unreadable(reason: impl Into<String>) -> SnapshotError {
    SnapshotError::Unreadable(reason.into())
}

impl Stack {
    /// The directories of the mounts of one snapshot.
    ///
    /// containerd: `overlay.mounts`, `native.mounts`.
    ///
    /// # Errors
    ///
    /// [`SnapshotError::Unreadable`] for an unknown kind of mount or an unknown option.
    pub(super) fn from_mounts(mounts: &[Mount]) -> Result<Self, SnapshotError> {
        let [mount] = mounts else {
            let kinds: Vec<_> = mounts.iter().map(|mount| mount.kind.as_str()).collect();
            return Err(unreadable(format!(
                "it consists of {} mounts of kinds {kinds:?}, only a single bind or overlay mount is read",
                mounts.len()
            )));
        };
        if !mount.target.is_empty() && mount.target != "/" {
            return Err(unreadable(format!("it is mounted at {:?} in the root", mount.target)));
        }
        match mount.kind.as_str() {
            "bind" => bind(mount),
            "overlay" => overlay(mount),
            kind => Err(unreadable(format!("{kind:?} mounts are not read, only bind and overlay"))),
        }
    }
}

fn bind(mount: &Mount) -> Result<Stack, SnapshotError> {
    for option in &mount.options {
        if !PLAIN.contains(&option.as_str()) && option != "bind" && option != "rbind" {
            return Err(unknown(mount, option));
        }
    }
    Ok(Stack { directories: vec![directory(&mount.source)?], marks: None })
}

fn overlay(mount: &Mount) -> Result<Stack, SnapshotError> {
    let (mut upper, mut lower, mut marks) = (None, None, Marks::Trusted);
    for option in &mount.options {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let slot = match name {
            "upperdir" => &mut upper,
            "lowerdir" => &mut lower,
            "workdir" => continue,
            "userxattr" if value.is_empty() => {
                marks = Marks::User;
                continue;
            }
            _ if OVERLAY.contains(&name) || PLAIN.contains(&option.as_str()) => continue,
            _ => return Err(unknown(mount, option)),
        };
        if slot.replace(value).is_some() {
            return Err(unreadable(format!("overlay mount with two {name}")));
        }
    }
    let lower = lower.ok_or_else(|| unreadable("overlay mount without lowerdir"))?;
    let paths = upper.into_iter().chain(lower.split(':'));
    let directories = paths.map(directory).collect::<Result<_, _>>()?;
    Ok(Stack { directories, marks: Some(marks) })
}

fn unknown(mount: &Mount, option: &str) -> SnapshotError {
    unreadable(format!("option {option:?} of a mount of kind {} is not known", mount.kind))
}

/// An absolute path without `.` and `..`. A backslash would be an escape, which containerd does not write.
fn directory(text: &str) -> Result<PathBuf, SnapshotError> {
    let path = Path::new(text);
    let plain =
        path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
    if !path.is_absolute() || !plain || text.contains(['\\', '\0']) {
        return Err(unreadable(format!("{text:?} is not a plain path of a directory")));
    }
    Ok(path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount(kind: &str, source: &str, options: &[&str]) -> Mount {
        let options = options.iter().map(ToString::to_string).collect();
        Mount { kind: kind.to_owned(), source: source.to_owned(), target: String::new(), options }
    }

    fn stack(
        kind: &str,
        source: &str,
        options: &[&str],
    ) -> Result<(Vec<String>, Option<Marks>), String> {
        let stack = Stack::from_mounts(&[mount(kind, source, options)])
            .map_err(|error| error.to_string())?;
        let text = |path: &PathBuf| path.display().to_string();
        Ok((stack.directories.iter().map(text).collect(), stack.marks))
    }

    #[test]
    fn what_containerds_snapshotters_answer() {
        let single = |path: &str| vec![path.to_owned()];
        assert_eq!(stack("bind", "/s/1/fs", &["ro", "rbind"]), Ok((single("/s/1/fs"), None)));
        assert_eq!(stack("bind", "/s/2", &["rbind", "rw"]), Ok((single("/s/2"), None)));
        let view = ["index=off", "lowerdir=/s/3/fs:/s/2/fs:/s/1/fs"];
        let three = ["/s/3/fs", "/s/2/fs", "/s/1/fs"].map(str::to_owned).to_vec();
        assert_eq!(stack("overlay", "overlay", &view), Ok((three.clone(), Some(Marks::Trusted))));
        let active =
            ["workdir=/s/3/work", "upperdir=/s/3/fs", "lowerdir=/s/2/fs:/s/1/fs", "userxattr"];
        assert_eq!(stack("overlay", "overlay", &active), Ok((three, Some(Marks::User))));
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for (kind, source, options, what) in [
            ("erofs", "/s/1/layer.erofs", &[][..], "\"erofs\" mounts"),
            ("fuse3.fuse-overlayfs", "overlay", &["lowerdir=/a:/b"], "mounts are not read"),
            ("format/overlay", "overlay", &["lowerdir={{ mount 0 }}"], "mounts are not read"),
            ("bind", "/a", &["rbind", "uidmap=0:1000:1"], "option \"uidmap=0:1000:1\""),
            ("bind", "a", &[], "\"a\" is not a plain path"),
            ("bind", "/a/../b", &[], "is not a plain path"),
            ("bind", "", &[], "is not a plain path"),
            ("overlay", "overlay", &["lowerdir=/a:/b", "gidmap=0:1:1"], "option \"gidmap=0:1:1\""),
            ("overlay", "overlay", &["lowerdir=/a::/b"], "\"\" is not a plain path"),
            ("overlay", "overlay", &["lowerdir=/a:b"], "\"b\" is not a plain path"),
            ("overlay", "overlay", &["lowerdir=/a\\:b:/c"], "is not a plain path"),
            ("overlay", "overlay", &["lowerdir+=/a"], "option \"lowerdir+=/a\""),
            ("overlay", "overlay", &["lowerdir=/a", "lowerdir=/b"], "two lowerdir"),
            ("overlay", "overlay", &["upperdir=/a", "workdir=/b"], "without lowerdir"),
            ("overlay", "overlay", &["lowerdir=/a:/b", "X-containerd.custom=1"], "is not known"),
        ] {
            let said = stack(kind, source, options).unwrap_err();
            assert!(said.contains(what), "{said}");
        }
        let bind = mount("bind", "/a", &[]);
        assert!(
            Stack::from_mounts(&[]).is_err()
                && Stack::from_mounts(&[bind.clone(), bind.clone()]).is_err()
        );
        let erofs = [
            mount("erofs", "/s/1/layer.erofs", &["ro"]),
            mount("format/mkdir/overlay", "overlay", &["lowerdir={{ mount 0 }}"]),
        ];
        let said = Stack::from_mounts(&erofs).unwrap_err().to_string();
        assert!(said.contains(r#"2 mounts of kinds ["erofs", "format/mkdir/overlay"]"#), "{said}");
        assert!(Stack::from_mounts(&[Mount { target: "/etc".to_owned(), ..bind }]).is_err());
    }
}
