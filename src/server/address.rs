//! Listen addresses as text: an address to bind, or sockets that systemd opened.
//!
//! Parsing and printing only: `listen` binds, and `activation` takes passed sockets.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// The longest path of a unix socket, in bytes: `sun_path` without its final zero.
pub const MAX_SOCKET_PATH: usize = 107;

/// The longest name of a passed socket: systemd's limit for `FileDescriptorName=`.
const MAX_PASSED_NAME: usize = 255;

/// An address to listen on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ListenAddress {
    /// `tcp://IP:PORT`, where port 0 is any free port.
    Tcp(SocketAddr),
    /// `unix:///PATH`, or `unix:/PATH` as in gRPC's names.
    Unix(PathBuf),
}

/// The value of one `--listen`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ListenOn {
    /// An address to bind.
    Address(ListenAddress),
    /// `fd://` or `fd://NAME`: all sockets that systemd passed, or those with a name.
    Passed(Option<String>),
}

/// Why a text is not a listen address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It does not start with a known scheme.
    #[error(
        "unknown transport: expected tcp://IP:PORT, unix:///PATH or fd://[NAME], for example tcp://127.0.0.1:50051"
    )]
    Scheme,
    /// The text after `tcp://` is not an IP address with a port.
    #[error(
        "expected an IP address and a port, for example tcp://127.0.0.1:50051 or tcp://[::1]:50051"
    )]
    Tcp,
    /// The text after `unix://` or `unix:` is not an absolute path.
    #[error("expected an absolute path, with three slashes: unix:///run/specd/specd.sock")]
    RelativePath,
    /// The path names a directory.
    #[error(
        "the path names a directory: add a file name, for example unix:///run/specd/specd.sock"
    )]
    Directory,
    /// The path does not fit into a socket address.
    #[error("the path has {0} bytes: a unix socket's path may have at most {MAX_SOCKET_PATH}")]
    TooLong(usize),
    /// The text after `fd://` cannot be a name.
    #[error(
        "expected fd:// for all passed sockets, or fd://NAME with the FileDescriptorName= of a socket unit"
    )]
    PassedName,
}

impl FromStr for ListenAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if let Some(rest) = text.strip_prefix("tcp://") {
            return rest.parse().map(Self::Tcp).map_err(|_| AddressError::Tcp);
        }
        let path = text.strip_prefix("unix://").or_else(|| text.strip_prefix("unix:"));
        let path = path.ok_or(AddressError::Scheme)?;
        if !path.starts_with('/') {
            return Err(AddressError::RelativePath);
        }
        if path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..") {
            return Err(AddressError::Directory);
        }
        if path.len() > MAX_SOCKET_PATH {
            return Err(AddressError::TooLong(path.len()));
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
            return Err(AddressError::PassedName);
        }
        Ok(Self::Passed((!name.is_empty()).then(|| name.to_owned())))
    }
}
