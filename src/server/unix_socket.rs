//! The file of a unix socket: claimed when nobody else answers on it, given back when it is still ours.
//!
//! Invariant: nobody connects before the file has its group and mode. They are set after bind and before
//! listen, and until then the kernel refuses every connection; the process-wide umask stays untouched.

use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, lchown};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How many connections may wait to be accepted. The kernel lowers it to its own limit.
const BACKLOG: i32 = 1024;

/// How often the lock of the directory is tried, with [`LOCK_PAUSE`] between.
const LOCK_TRIES: u32 = 50;

const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// Why a path could not be claimed.
#[derive(Debug)]
pub(super) enum ClaimError {
    /// Somebody answers there.
    InUse,
    /// Something that is not a socket is there.
    NotASocket,
    /// Its directory is not there, or is none.
    NoDirectory,
    /// Its directory lets nothing be made or removed.
    NotWritable(io::Error),
    /// The file cannot be given to the group.
    Group(u32, io::Error),
    /// The system refused.
    Io(io::Error),
}

impl<E: Into<io::Error>> From<E> for ClaimError {
    fn from(error: E) -> Self {
        Self::Io(error.into())
    }
}

impl ClaimError {
    /// What the system says about a change of the directory.
    fn of_directory(error: impl Into<io::Error>) -> Self {
        let error = error.into();
        let not_writable = [io::ErrorKind::PermissionDenied, io::ErrorKind::ReadOnlyFilesystem];
        if not_writable.contains(&error.kind()) {
            Self::NotWritable(error)
        } else {
            Self::Io(error)
        }
    }
}

/// Who may do what with the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct FileAccess {
    /// Its mode.
    pub(super) mode: u32,
    /// Its group; none leaves it the process's.
    pub(super) gid: Option<u32>,
}

/// The file of a bound unix socket. Dropped, it is removed, unless somebody put another in its place.
///
/// Drop it before the listener: as long as that is open, the kernel gives the inode's number to nobody
/// else, so an equal number means the same file.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl SocketFile {
    /// Binds a path and listens on it. A socket that nobody answers on is replaced.
    pub(super) fn claim(
        path: &Path,
        access: FileAccess,
    ) -> Result<(Self, UnixListener), ClaimError> {
        let directory = path.parent().unwrap_or(Path::new("/"));
        if !directory.is_dir() {
            return Err(ClaimError::NoDirectory);
        }
        // Two that start at once would each find the other's socket between its bind and its listen,
        // take it for a stale one and remove it.
        let _lock = lock(directory, LOCK_TRIES);

        match fs::symlink_metadata(path) {
            Ok(found) if !found.file_type().is_socket() => return Err(ClaimError::NotASocket),
            Ok(_) if is_live(path)? => return Err(ClaimError::InUse),
            Ok(_) => fs::remove_file(path).map_err(ClaimError::of_directory)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }

        let socket = stream_socket()?;
        rustix::net::bind(&socket, &SocketAddrUnix::new(path)?)
            .map_err(ClaimError::of_directory)?;
        let bound = fs::symlink_metadata(path)?;
        let file = Self { path: path.to_owned(), device: bound.dev(), inode: bound.ino() };
        if let Some(gid) = access.gid {
            lchown(path, None, Some(gid)).map_err(|error| ClaimError::Group(gid, error))?;
        }
        fs::set_permissions(path, fs::Permissions::from_mode(access.mode))?;
        rustix::net::listen(&socket, BACKLOG)?;
        Ok((file, UnixListener::from(socket)))
    }

    fn is_ours(&self) -> bool {
        fs::symlink_metadata(&self.path)
            .is_ok_and(|found| found.dev() == self.device && found.ino() == self.inode)
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // One try: whoever holds the lock must not hold up the exit.
        let _lock = self.path.parent().and_then(|directory| lock(directory, 1));
        if !self.is_ours() {
            return;
        }
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "cannot remove the socket");
        }
    }
}

fn stream_socket() -> Result<OwnedFd, Errno> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)
}

/// Whether somebody listens on a socket, be he too busy to answer.
fn is_live(path: &Path) -> Result<bool, ClaimError> {
    match rustix::net::connect(&stream_socket()?, &SocketAddrUnix::new(path)?) {
        Ok(()) | Err(Errno::AGAIN | Errno::INPROGRESS | Errno::PROTOTYPE) => Ok(true),
        Err(Errno::CONNREFUSED) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The lock of a directory, held until dropped.
///
/// A courtesy among processes that start in the same moment, not a wall: where it cannot be had, the
/// work is done without it.
fn lock(directory: &Path, tries: u32) -> Option<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = rustix::fs::open(directory, flags, Mode::empty()).ok()?;
    for left in (0..tries).rev() {
        match rustix::fs::flock(&opened, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Some(opened),
            Err(Errno::WOULDBLOCK) if left > 0 => std::thread::sleep(LOCK_PAUSE),
            Err(_) => return None,
        }
    }
    None
}
