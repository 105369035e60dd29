//! Where to listen, as text: an address of our own, or sockets that systemd opened.
//!
//! Reading and printing only; `listen` binds, `activation` takes what was passed.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// The longest path of a unix socket, in bytes: `sun_path` without its final zero.
pub const MAX_SOCKET_PATH: usize = 107;

/// The longest name of a passed socket: systemd's bound on `FileDescriptorName=`.
const MAX_PASSED_NAME: usize = 255;

/// An address to listen on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ListenAddress {
    /// `tcp://ADDRESS:PORT`, where port 0 is any free one.
    Tcp(SocketAddr),
    /// `unix:///PATH`.
    Unix(PathBuf),
}

/// What one `--listen` asks for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ListenOn {
    /// An address to bind.
    Address(ListenAddress),
    /// `fd://` or `fd://NAME`: the sockets that systemd passed, or those of that name.
    Passed(Option<String>),
}

/// Why a text is no address to listen on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It does not start with a scheme that is known.
    #[error(
        "{0:?} names no known transport, write tcp://127.0.0.1:50051, unix:///run/specd/specd.sock or fd://"
    )]
    Scheme(String),
    /// What follows `tcp://` is not an IP address with a port.
    #[error("{0:?} needs an IP address and a port, as tcp://127.0.0.1:50051 or tcp://[::1]:50051")]
    Tcp(String),
    /// What follows `unix://` does not start at the root.
    #[error("{0:?} needs an absolute path, so three slashes, as unix:///run/specd/specd.sock")]
    RelativePath(String),
    /// The path names a directory.
    #[error("{0:?} names a directory, add a file name, as unix:///run/specd/specd.sock")]
    Directory(String),
    /// The path does not fit into a socket address.
    #[error("{0:?} has a path of {1} bytes, a unix socket's may have {MAX_SOCKET_PATH}")]
    TooLong(String, usize),
    /// What follows `fd://` cannot be a name.
    #[error(
        "{0:?} needs the FileDescriptorName= of a socket unit, or nothing for all that were passed"
    )]
    PassedName(String),
}

impl FromStr for ListenAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let whole = || text.to_owned();
        if let Some(rest) = text.strip_prefix("tcp://") {
            return rest.parse().map(Self::Tcp).map_err(|_| AddressError::Tcp(whole()));
        }
        let path = text.strip_prefix("unix://").ok_or_else(|| AddressError::Scheme(whole()))?;
        if !path.starts_with('/') {
            return Err(AddressError::RelativePath(whole()));
        }
        if path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..") {
            return Err(AddressError::Directory(whole()));
        }
        if path.len() > MAX_SOCKET_PATH {
            return Err(AddressError::TooLong(whole(), path.len()));
        }
        Ok(Self::Unix(PathBuf::from(path)))
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "tcp://{address}"),
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
        }
    }
}

impl FromStr for ListenOn {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let Some(name) = text.strip_prefix("fd://") else {
            return text.parse().map(Self::Address);
        };
        let fits = name.len() <= MAX_PASSED_NAME
            && name.bytes().all(|b| b.is_ascii_graphic() && b != b':');
        if !fits {
            return Err(AddressError::PassedName(text.to_owned()));
        }
        Ok(Self::Passed((!name.is_empty()).then(|| name.to_owned())))
    }
}
