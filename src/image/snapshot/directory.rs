//! Reads one unpacked directory of the host: what it has at the watched paths.
//!
//! A path is opened name by name, and no link is followed here: `layers::walk` follows links, so that they
//! stay inside the image's root. A directory in which a container runs may change while it is read. That can
//! change the result, but not what is opened: only a file that was seen to be regular, and that very file.
//!
//! Invariant: nothing outside of the snapshot root is opened, and no device, fifo or socket.

use crate::domain::limits;
use crate::image::layers::tar::Content;
use crate::image::layers::view::{LayerView, Node};
use crate::image::snapshot::mounts::Marks;
use crate::paths::RootPath;
use crate::store::SnapshotError;
use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

/// Opens only the place in the tree: such a descriptor neither reads a file nor opens a device.
const PLACE: OFlags = OFlags::PATH.union(OFlags::CLOEXEC);

/// The inode of the initial user namespace, which is fixed in Linux.
const INITIAL_USER_NAMESPACE: u64 = 0xEFFF_FFFD;

/// `CAP_SYS_ADMIN` in a set of capabilities.
const CAP_SYS_ADMIN: u64 = 1 << 21;

fn unreadable(path: &Path, error: Errno) -> SnapshotError {
    let hint = match error {
        Errno::ACCESS | Errno::PERM => ", run as root or with CAP_DAC_READ_SEARCH",
        Errno::XDEV | Errno::LOOP => ", which leads out of --snapshot-root",
        Errno::NOENT => ", is it mounted here under the same path?",
        Errno::NOSYS => {
            ", the system call openat2 is missing (before Linux 5.6) or filtered: with systemd it needs DynamicUser=no and RestrictSUIDSGID=no"
        }
        _ => "",
    };
    SnapshotError::Unreadable(format!("{}: {error}{hint}", path.display()))
}

/// The directory of the host below which snapshots may be read.
pub(super) struct Root {
    path: PathBuf,
    place: OwnedFd,
}

impl Root {
    /// Opens it, once for all directories below it.
    ///
    /// # Errors
    ///
    /// [`SnapshotError::Unreadable`] if the directory does not exist.
    pub(super) fn open(path: &Path) -> Result<Self, SnapshotError> {
        let opened = rustix::fs::openat(CWD, path, PLACE | OFlags::DIRECTORY, Mode::empty());
        let place = opened.map_err(|error| {
            SnapshotError::Unreadable(format!("--snapshot-root {}: {error}", path.display()))
        })?;
        Ok(Self { path: path.to_owned(), place })
    }

    /// A directory below it, by its absolute path.
    ///
    /// # Errors
    ///
    /// [`SnapshotError::Unreadable`] if it is not below the root, or cannot be opened.
    pub(super) fn directory(
        &self,
        path: &Path,
        marks: Option<Marks>,
    ) -> Result<Directory, SnapshotError> {
        let below = path.strip_prefix(&self.path).ok().filter(|below| *below != Path::new(""));
        let below = below.ok_or_else(|| {
            let root = self.path.display();
            SnapshotError::Unreadable(format!(
                "{} is not below --snapshot-root {root}",
                path.display()
            ))
        })?;
        let flags = PLACE | OFlags::DIRECTORY | OFlags::NOFOLLOW;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        let place = rustix::fs::openat2(&self.place, below, flags, Mode::empty(), resolve)
            .map_err(|error| unreadable(path, error))?;
        Ok(Directory { path: path.to_owned(), place, marks })
    }
}

/// One directory of a snapshot.
pub(super) struct Directory {
    path: PathBuf,
    place: OwnedFd,
    /// How it is merged with others; absent for a single directory.
    marks: Option<Marks>,
}

impl Directory {
    /// What it has at the watched paths.
    ///
    /// # Errors
    ///
    /// [`SnapshotError::Unreadable`] for everything that could change the result.
    pub(super) fn view(&self, watched: &BTreeSet<RootPath>) -> Result<LayerView, SnapshotError> {
        let mut view = LayerView::new(watched.clone());
        for path in watched {
            self.record(path, &mut view)?;
        }
        let unseen = self.marks == Some(Marks::Trusted) && !sees_trusted();
        Ok(if unseen { view.with_marks_unseen() } else { view })
    }

    /// Records what is on the way to a path.
    ///
    /// The marks of the directory itself are ignored, as in overlayfs.
    fn record(&self, path: &RootPath, view: &mut LayerView) -> Result<(), SnapshotError> {
        let mut above: Option<OwnedFd> = None;
        let mut here = RootPath::default();
        for name in path.names() {
            here.push(name);
            let failed = |error| unreadable(&self.path.join(here.as_path()), error);
            let at = above.as_ref().unwrap_or(&self.place);
            let place = match rustix::fs::openat(at, name, PLACE | OFlags::NOFOLLOW, Mode::empty())
            {
                Ok(place) => place,
                Err(Errno::NOENT | Errno::NAMETOOLONG) => return Ok(()),
                Err(error) => return Err(failed(error)),
            };
            let stat = rustix::fs::fstat(&place).map_err(failed)?;
            match FileType::from_raw_mode(stat.st_mode) {
                FileType::Directory => {
                    view.set(&here, Node::Directory);
                    if self.is_opaque(&place, &here)? {
                        view.hide(&here, true);
                    }
                    above = Some(place);
                    continue;
                }
                FileType::CharacterDevice if stat.st_rdev == 0 && self.marks.is_some() => {
                    view.hide(&here, false);
                }
                FileType::Symlink => {
                    let target = rustix::fs::readlinkat(&place, "", Vec::new()).map_err(failed)?;
                    view.set(&here, Node::Symlink(target.into_bytes()));
                }
                FileType::RegularFile if here == *path => {
                    let content = self.content(&place, &stat, &here)?;
                    view.set(&here, Node::File(content));
                }
                kind @ (FileType::RegularFile
                | FileType::CharacterDevice
                | FileType::BlockDevice
                | FileType::Fifo
                | FileType::Socket
                | FileType::Unknown) => view.set(&here, Node::Special(describe_kind(kind))),
            }
            return Ok(());
        }
        Ok(())
    }

    /// Whether this directory hides what lower ones have below it.
    ///
    /// # Errors
    ///
    /// [`SnapshotError::Unreadable`] if it was moved, or has whiteouts that are not devices.
    fn is_opaque(&self, place: &OwnedFd, here: &RootPath) -> Result<bool, SnapshotError> {
        let refuse = |what: &str| Err(self.refuse(here, what));
        if self.mark(place, here, "redirect")?.is_some() {
            return refuse("is a directory that was moved within an overlay, which is not read");
        }
        match self.mark(place, here, "opaque")?.as_deref() {
            Some(b"y") => Ok(true),
            Some(b"x") => refuse("holds whiteouts as extended attributes, which are not read"),
            Some(_) | None => Ok(false),
        }
    }

    fn content(
        &self,
        place: &OwnedFd,
        stat: &Stat,
        here: &RootPath,
    ) -> Result<Content, SnapshotError> {
        let failed = |error| unreadable(&self.path.join(here.as_path()), error);
        // Without CAP_SYS_ADMIN the mark is not visible; then a file with a length and no block is one.
        let hollow = self.marks.is_some() && stat.st_size > 0 && stat.st_blocks == 0;
        if self.mark(place, here, "metacopy")?.is_some() || (hollow && !sees_trusted()) {
            return Err(self.refuse(here, "has its contents in another directory of the overlay"));
        }
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let opened = rustix::fs::open(magic_link(place), flags, Mode::empty()).map_err(failed)?;
        let mut bytes = Vec::new();
        let read = File::from(opened).take(limits::ACCOUNT_FILE_BYTES + 1).read_to_end(&mut bytes);
        read.map_err(|error| {
            SnapshotError::Unreadable(format!(
                "{}: {error}",
                self.path.join(here.as_path()).display()
            ))
        })?;
        let fits = bytes.len() as u64 <= limits::ACCOUNT_FILE_BYTES;
        Ok(if fits { Content::Bytes(bytes.into()) } else { Content::TooLarge })
    }

    /// One of the extended attributes of overlayfs; empty if it is longer than those that matter.
    fn mark(
        &self,
        place: &OwnedFd,
        here: &RootPath,
        name: &str,
    ) -> Result<Option<Vec<u8>>, SnapshotError> {
        let prefix = match self.marks {
            None => return Ok(None),
            Some(Marks::Trusted) => "trusted",
            Some(Marks::User) => "user",
        };
        let mut value = [0; 2];
        match rustix::fs::getxattr(
            magic_link(place),
            format!("{prefix}.overlay.{name}"),
            &mut value[..],
        ) {
            Ok(length) => Ok(value.get(..length).map(<[u8]>::to_vec)),
            Err(Errno::RANGE) => Ok(Some(Vec::new())),
            Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(None),
            Err(error) => Err(unreadable(&self.path.join(here.as_path()), error)),
        }
    }

    fn refuse(&self, here: &RootPath, what: &str) -> SnapshotError {
        let path = self.path.join(here.as_path());
        SnapshotError::Unreadable(format!("{} {what}", path.display()))
    }
}

/// The path of an open file, also after its name has changed.
fn magic_link(place: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", place.as_raw_fd())
}

fn describe_kind(kind: FileType) -> &'static str {
    match kind {
        FileType::RegularFile => "a regular file",
        FileType::CharacterDevice => "a character device",
        FileType::BlockDevice => "a block device",
        FileType::Fifo => "a fifo",
        FileType::Socket => "a socket",
        FileType::Directory | FileType::Symlink | FileType::Unknown => "a file of an unknown kind",
    }
}

/// Whether this process can see `trusted.*` attributes: to others they are absent, not denied.
fn sees_trusted() -> bool {
    let initial = rustix::fs::stat("/proc/self/ns/user")
        .is_ok_and(|namespace| namespace.st_ino == INITIAL_USER_NAMESPACE);
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let effective = effective.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok());
    initial && effective.is_some_and(|set| set & CAP_SYS_ADMIN != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filtered_system_call_is_named() {
        let text = unreadable(Path::new("/var/lib/containerd/a"), Errno::NOSYS).to_string();
        assert!(text.contains("openat2") && text.contains("RestrictSUIDSGID=no"), "{text}");
    }
}
