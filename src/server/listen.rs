//! Where to listen: addresses as text, the sockets bound to them, and who called.
//!
//! What is spoken on a connection is `serve`'s; how a unix socket's file is claimed and given back is
//! `unix_socket`'s.

use crate::server::unix_socket::{ClaimError, SocketFile};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};

/// The longest path of a unix socket, in bytes: `sun_path` without its final zero.
pub const MAX_SOCKET_PATH: usize = 107;

/// An address to listen on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ListenAddress {
    /// `tcp://ADDRESS:PORT`, where port 0 is any free one.
    Tcp(SocketAddr),
    /// `unix:///PATH`.
    Unix(PathBuf),
}

/// Why a text is no address to listen on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It does not start with a scheme that is known.
    #[error(
        "{0:?} names no known transport, write tcp://127.0.0.1:50051 or unix:///run/specd/specd.sock"
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

/// What is allowed of a socket, and how it is made.
#[derive(Debug, Clone)]
pub struct BindOptions {
    /// The mode of a unix socket's file. Whoever may write to the file may call.
    pub socket_mode: u32,
    /// Allows plaintext on an address that other machines reach.
    pub insecure_tcp: bool,
}

impl Default for BindOptions {
    fn default() -> Self {
        Self { socket_mode: 0o660, insecure_tcp: false }
    }
}

/// Why an address cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Plaintext would leave the machine.
    #[error(
        "{0} is not a loopback address and nothing would be encrypted, use 127.0.0.1 or [::1], or allow it with --insecure-tcp"
    )]
    NotLoopback(ListenAddress),
    /// Somebody answers there already.
    #[error("{0} is in use, stop the process that answers there or choose another address")]
    InUse(ListenAddress),
    /// There is nothing to put the socket into.
    #[error("{address} needs the directory {}, create it first", directory.display())]
    NoDirectory {
        /// What was to be bound.
        address: ListenAddress,
        /// The directory that is not there, or is none.
        directory: PathBuf,
    },
    /// Something else has the name.
    #[error("{0} exists and is not a socket, remove it or choose another path")]
    NotASocket(ListenAddress),
    /// The system refused.
    #[error("cannot listen on {address}: {source}")]
    Io {
        /// What was to be bound.
        address: ListenAddress,
        /// What the system said.
        source: io::Error,
    },
}

/// A bound socket that takes connections.
///
/// Dropped, it is closed, and the file of a unix socket is removed.
#[derive(Debug)]
pub struct Listener {
    address: ListenAddress,
    socket: Socket,
}

/// The order of fields matters: the file is given back while the socket is still open.
#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    Unix { _file: SocketFile, listener: UnixListener },
}

impl Listener {
    /// Binds one address and listens on it.
    ///
    /// For start-up: over a unix socket it may wait half a second, without yielding, for another process
    /// that binds in the same directory.
    ///
    /// # Errors
    ///
    /// A [`BindError`] that says what would be right.
    pub async fn bind(address: &ListenAddress, options: &BindOptions) -> Result<Self, BindError> {
        let io = |source| BindError::Io { address: address.clone(), source };
        match address {
            ListenAddress::Tcp(wanted) => {
                if !options.insecure_tcp && !wanted.ip().to_canonical().is_loopback() {
                    return Err(BindError::NotLoopback(address.clone()));
                }
                let listener = TcpListener::bind(wanted).await.map_err(|error| {
                    if error.kind() == io::ErrorKind::AddrInUse {
                        BindError::InUse(address.clone())
                    } else {
                        io(error)
                    }
                })?;
                let bound = listener.local_addr().map_err(io)?;
                Ok(Self { address: ListenAddress::Tcp(bound), socket: Socket::Tcp(listener) })
            }
            ListenAddress::Unix(path) => {
                let (file, listener) =
                    SocketFile::claim(path, options.socket_mode).map_err(|error| match error {
                        ClaimError::InUse => BindError::InUse(address.clone()),
                        ClaimError::NotASocket => BindError::NotASocket(address.clone()),
                        ClaimError::NoDirectory => BindError::NoDirectory {
                            address: address.clone(),
                            directory: path.parent().unwrap_or(Path::new("/")).to_owned(),
                        },
                        ClaimError::Io(error) => io(error),
                    })?;
                let listener = UnixListener::from_std(listener).map_err(io)?;
                let socket = Socket::Unix { _file: file, listener };
                Ok(Self { address: address.clone(), socket })
            }
        }
    }

    /// What was bound: the real port where 0 was asked for.
    #[must_use]
    pub fn address(&self) -> &ListenAddress {
        &self.address
    }

    /// The next connection.
    ///
    /// # Errors
    ///
    /// What the system says; the listener is still good.
    pub async fn accept(&self) -> io::Result<Connection> {
        match &self.socket {
            Socket::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                // A call is a few small frames: waiting to fill a segment only costs time.
                stream.set_nodelay(true)?;
                Ok(Connection { stream: Box::new(stream), peer: Peer::Tcp(address) })
            }
            Socket::Unix { listener, .. } => {
                let (stream, _) = listener.accept().await?;
                let caller = stream.peer_cred()?;
                let peer = Peer::Unix { uid: caller.uid(), gid: caller.gid(), pid: caller.pid() };
                Ok(Connection { stream: Box::new(stream), peer })
            }
        }
    }
}

/// Bytes both ways.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// An accepted connection.
pub struct Connection {
    /// The bytes. Whatever stands between a socket and HTTP/2 wraps them.
    pub stream: Box<dyn Duplex>,
    /// Who called.
    pub peer: Peer,
}

/// Who is at the other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// Somebody over TCP.
    Tcp(SocketAddr),
    /// A process of this machine, as the kernel vouches.
    Unix {
        /// Its user.
        uid: u32,
        /// Its group.
        gid: u32,
        /// Its process id, where the kernel tells.
        pid: Option<i32>,
    },
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix { uid, gid, pid: Some(pid) } => write!(f, "uid {uid} gid {gid} pid {pid}"),
            Self::Unix { uid, gid, pid: None } => write!(f, "uid {uid} gid {gid}"),
        }
    }
}
