//! Files below a root directory: symbolic links are resolved inside it.

use crate::domain::host_device::{HostNode, counts, is_walked};
use crate::domain::limits::{DEVICE_DEPTH, DEVICE_ENTRIES, SYMLINKS};
use crate::paths::{PathWalk, join};
use std::collections::BTreeMap;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::PathBuf;

/// A directory that is the root of a machine.
#[derive(Debug, Clone)]
pub(super) struct Root {
    root: PathBuf,
    /// Whether files that this user may not see count as absent. containerd: `userns.RunningInUserNS`.
    skips_denied: bool,
}

/// The kind of a file.
pub(super) enum Kind {
    Device { kind: char, major: i64, minor: i64, file_mode: u32, uid: u32, gid: u32 },
    Directory,
    Link,
    Other(&'static str),
}

/// Which files of directories are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Walk {
    /// The devices for a container.
    Counted,
    /// Also the console, and links.
    All,
}

/// The result of a walk.
#[derive(Debug, Default)]
pub(super) struct Walked {
    pub(super) nodes: Vec<HostNode>,
    /// Links to devices, each with the path of its final target.
    pub(super) links: BTreeMap<String, String>,
}

impl Root {
    pub(super) fn new(root: PathBuf) -> Self {
        let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
        let initial = map.split_whitespace().eq(["0", "0", "4294967295"]);
        Self { root, skips_denied: !map.is_empty() && !initial }
    }

    fn real(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// What is at a path, the directories of which are resolved.
    pub(super) fn kind(&self, path: &str) -> io::Result<Kind> {
        Ok(kind_of(&std::fs::symlink_metadata(self.real(path))?))
    }

    /// The path with every link resolved.
    pub(super) fn resolve(&self, path: &str) -> io::Result<String> {
        let mut walk = PathWalk::new(path.as_bytes());
        let mut links = 0;
        while let Some(path) = walk.next_path() {
            let real = self.root.join(path.as_path());
            if !std::fs::symlink_metadata(&real)?.is_symlink() {
                walk.enter(path);
                continue;
            }
            links += 1;
            if links > SYMLINKS {
                return Err(io::Error::other("too many symbolic links"));
            }
            let target = std::fs::read_link(&real)?;
            let target = target.to_str().ok_or(io::ErrorKind::NotFound)?;
            walk.follow_link(path, target.as_bytes());
        }
        Ok(walk.here().to_string())
    }

    /// The path with the links of its directories resolved, but not its own.
    pub(super) fn resolve_parent(&self, path: &str) -> io::Result<String> {
        match path.trim_end_matches('/').rsplit_once('/') {
            Some((_, "." | "..")) | None => self.resolve(path),
            Some((parent, name)) => Ok(join(&self.resolve(parent)?, name)),
        }
    }

    /// The devices in a directory and below, sorted by name. `shown` is the path that they are listed under,
    /// `left` how many files may still be read.
    pub(super) fn walk(
        &self,
        directory: &str,
        shown: &str,
        walk: Walk,
        left: &mut usize,
    ) -> io::Result<Walked> {
        let mut walked = Walked::default();
        self.walk_into(&mut walked, directory, shown, walk, left, DEVICE_DEPTH)?;
        Ok(walked)
    }

    fn walk_into(
        &self,
        walked: &mut Walked,
        directory: &str,
        shown: &str,
        walk: Walk,
        left: &mut usize,
        depth: usize,
    ) -> io::Result<()> {
        // The path of what lies below is not for the caller, who may have named any directory.
        let too_much = || {
            let limit = format!("{DEVICE_ENTRIES} files or {DEVICE_DEPTH} directories deep");
            io::Error::other(format!("what is to be read is larger than {limit}"))
        };
        if depth == 0 {
            return Err(too_much());
        }
        let mut names = Vec::new();
        for entry in std::fs::read_dir(self.real(directory))? {
            *left = left.checked_sub(1).ok_or_else(too_much)?;
            // A name that is not UTF-8 cannot be in a spec.
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        names.sort();
        for name in names {
            let (path, shown) = (join(directory, &name), join(shown, &name));
            let kind = match self.kind(&path) {
                Err(error) if self.is_skipped(&error) => continue,
                kind => kind?,
            };
            match kind {
                Kind::Directory if is_walked(&name) => {
                    match self.walk_into(walked, &path, &shown, walk, left, depth - 1) {
                        Err(error) if self.is_skipped(&error) => {}
                        done => done?,
                    }
                }
                Kind::Device { kind, major, minor, file_mode, uid, gid }
                    if counts(&name, kind) || (walk == Walk::All && kind != 'p') =>
                {
                    let node = HostNode { path: shown, kind, major, minor, file_mode, uid, gid };
                    walked.nodes.push(node);
                }
                Kind::Link if walk == Walk::All => {
                    if let Ok(target) = self.resolve(&path)
                        && matches!(self.kind(&target), Ok(Kind::Device { .. } | Kind::Directory))
                    {
                        walked.links.insert(shown, target);
                    }
                }
                Kind::Directory | Kind::Device { .. } | Kind::Link | Kind::Other(_) => {}
            }
        }
        Ok(())
    }

    fn is_skipped(&self, error: &io::Error) -> bool {
        let kind = error.kind();
        kind == io::ErrorKind::NotFound
            || (self.skips_denied && kind == io::ErrorKind::PermissionDenied)
    }
}

fn kind_of(metadata: &Metadata) -> Kind {
    let file = metadata.file_type();
    let kind = if file.is_block_device() {
        'b'
    } else if file.is_char_device() {
        'c'
    } else if file.is_fifo() {
        'p'
    } else if file.is_dir() {
        return Kind::Directory;
    } else if file.is_symlink() {
        return Kind::Link;
    } else {
        return Kind::Other(if file.is_socket() { "a socket" } else { "a regular file" });
    };
    Kind::Device {
        kind,
        major: rustix::fs::major(metadata.rdev()).into(),
        minor: rustix::fs::minor(metadata.rdev()).into(),
        file_mode: metadata.mode() & 0o7777,
        uid: metadata.uid(),
        gid: metadata.gid(),
    }
}
