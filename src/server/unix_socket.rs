//! The file of a unix socket: created if no other process answers on it, and removed if it is still ours.
//!
//! Invariant: no client connects before the file has its group and mode. They are set after bind and before
//! listen, and until then the kernel refuses every connection; the umask of the process is not changed.

use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use std::fmt;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, lchown};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

/// The largest number of connections that wait to be accepted. The kernel lowers it to its own limit.
const BACKLOG: i32 = 1024;

/// How many times the lock of the directory is tried, with a pause of [`LOCK_PAUSE`].
const LOCK_TRIES: u32 = 50;

const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// Why a socket could not be created at a path.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClaimError {
    #[error("another process answers there")]
    InUse,
    #[error("the path exists and is not a socket")]
    NotASocket,
    #[error("its directory does not exist")]
    NoDirectory,
    #[error("its directory is not writable: {0}")]
    NotWritable(io::Error),
    #[error("the file cannot be given to group {0}: {1}")]
    Group(u32, io::Error),
    #[error(transparent)]
    Io(io::Error),
}

impl<E: Into<io::Error>> From<E> for ClaimError {
    fn from(error: E) -> Self {
        Self::Io(error.into())
    }
}

impl ClaimError {
    /// An error from a change of the directory.
    fn from_directory(error: impl Into<io::Error>) -> Self {
        let error = error.into();
        let not_writable = [io::ErrorKind::PermissionDenied, io::ErrorKind::ReadOnlyFilesystem];
        if not_writable.contains(&error.kind()) {
            Self::NotWritable(error)
        } else {
            Self::Io(error)
        }
    }
}

/// The permission bits of a socket's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SocketMode(pub u32);

impl Default for SocketMode {
    fn default() -> Self {
        Self(0o660)
    }
}

impl FromStr for SocketMode {
    type Err = &'static str;

    /// Parses octal digits. The set-id and sticky bits have no meaning for a socket.
    fn from_str(text: &str) -> Result<Self, &'static str> {
        let is_octal = !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
        let mode = u32::from_str_radix(text, 8).ok().filter(|mode| is_octal && *mode <= 0o777);
        mode.map(Self).ok_or("expected octal digits up to 0777, for example 0660")
    }
}

impl fmt::Display for SocketMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

/// The access to a socket's file.
#[derive(Debug, Clone, Copy)]
pub(super) struct FileAccess {
    /// Its mode.
    pub(super) mode: SocketMode,
    /// Its group, if it is not that of the process.
    pub(super) gid: Option<u32>,
}

/// The file of a bound unix socket. Dropped, it is removed, unless another file has taken its place.
///
/// Drop it before the listener: as long as that is open, the kernel does not reuse the number of the inode,
/// so an equal number means the same file.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    access: FileAccess,
    device: u64,
    inode: u64,
}

impl SocketFile {
    /// Binds a path and listens on it. A socket on which no process answers is replaced.
    pub(super) fn claim(
        path: &Path,
        access: FileAccess,
    ) -> Result<(Self, UnixListener), ClaimError> {
        let directory = path.parent().unwrap_or(Path::new("/"));
        if !directory.is_dir() {
            return Err(ClaimError::NoDirectory);
        }
        // Of two processes that start together, each could find the other's socket between its bind and its
        // listen, take it for a stale one and remove it.
        let _lock = lock(directory, LOCK_TRIES);

        match fs::symlink_metadata(path) {
            Ok(found) if !found.file_type().is_socket() => return Err(ClaimError::NotASocket),
            Ok(_) if is_live(path)? => return Err(ClaimError::InUse),
            Ok(_) => fs::remove_file(path).map_err(ClaimError::from_directory)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }

        let socket = stream_socket()?;
        rustix::net::bind(&socket, &SocketAddrUnix::new(path)?)
            .map_err(ClaimError::from_directory)?;
        let bound = fs::symlink_metadata(path)?;
        let (device, inode) = (bound.dev(), bound.ino());
        let file = Self { path: path.to_owned(), access, device, inode };
        if let Some(gid) = access.gid {
            lchown(path, None, Some(gid)).map_err(|error| ClaimError::Group(gid, error))?;
        }
        fs::set_permissions(path, fs::Permissions::from_mode(access.mode.0))?;
        rustix::net::listen(&socket, BACKLOG)?;
        Ok((file, UnixListener::from(socket)))
    }

    /// Claims the same path again, with the same access; to be called where it may block.
    pub(super) fn again(
        &self,
    ) -> impl FnOnce() -> Result<(Self, UnixListener), ClaimError> + Send + use<> {
        let (path, access) = (self.path.clone(), self.access);
        move || Self::claim(&path, access)
    }

    /// Whether the file is still the one that was created here.
    pub(super) fn is_ours(&self) -> bool {
        fs::symlink_metadata(&self.path)
            .is_ok_and(|found| found.dev() == self.device && found.ino() == self.inode)
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // One try: a process that holds the lock must not delay the exit.
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

/// Whether a process listens on a socket, even if it is too busy to answer.
fn is_live(path: &Path) -> Result<bool, ClaimError> {
    match rustix::net::connect(&stream_socket()?, &SocketAddrUnix::new(path)?) {
        Ok(()) | Err(Errno::AGAIN | Errno::INPROGRESS | Errno::PROTOTYPE) => Ok(true),
        Err(Errno::CONNREFUSED) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The lock of a directory, held until it is dropped.
///
/// It only helps processes that start at the same time: if it cannot be taken, the work is done without it.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_is_octal_and_up_to_0777() {
        for (text, mode) in [("0660", 0o660), ("660", 0o660), ("0", 0), ("00777", 0o777)] {
            assert_eq!(text.parse(), Ok(SocketMode(mode)), "{text}");
        }
        for text in ["", "0680", "1777", "+660", "-1", "0o660", "rw", "777777777777777777"] {
            assert!(text.parse::<SocketMode>().unwrap_err().contains("0660"), "{text}");
        }
        assert_eq!(SocketMode::default().to_string(), "0660");
    }
}
