//! Bound sockets: how they come to be, and the connections that they take.
//!
//! What is spoken on a connection is `serve`'s; how a unix socket's file is claimed and given back is
//! `unix_socket`'s.

pub use crate::server::address::{AddressError, ListenAddress, ListenOn, MAX_SOCKET_PATH};
pub use crate::server::peer::{Callers, Peer};

use crate::server::tls::Tls;
use crate::server::unix_socket::{ClaimError, FileAccess, SocketFile};
use std::io;
use std::os::unix::net::UnixListener as StdUnixListener;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};

/// What is allowed of a socket, and how it is made.
#[derive(Debug, Clone)]
pub struct BindOptions {
    /// The mode of a unix socket's file. Whoever may write to the file may connect.
    pub socket_mode: u32,
    /// The group of a unix socket's file, where it is not to be the process's own.
    pub socket_gid: Option<u32>,
    /// Who of those that connect to a unix socket may stay.
    pub callers: Callers,
    /// Allows plaintext on an address that other machines reach.
    pub insecure_tcp: bool,
    /// TLS on TCP.
    pub tls: Option<Tls>,
}

impl Default for BindOptions {
    fn default() -> Self {
        Self {
            socket_mode: 0o660,
            socket_gid: None,
            callers: Callers::default(),
            insecure_tcp: false,
            tls: None,
        }
    }
}

/// Why an address cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Plaintext would leave the machine.
    #[error(
        "{0} is not a loopback address and nothing would be encrypted, use 127.0.0.1 or [::1], encrypt with --tls-cert, or allow it with --insecure-tcp"
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
    /// The directory takes no file of ours.
    #[error(
        "{address} needs a directory that this process may write to, {} is not: {source}",
        directory.display()
    )]
    NotWritable {
        /// What was to be bound.
        address: ListenAddress,
        /// The directory.
        directory: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something else has the name.
    #[error("{0} exists and is not a socket, remove it or choose another path")]
    NotASocket(ListenAddress),
    /// The file cannot be given to the group.
    #[error(
        "cannot give {address} to group {gid}: {source}; run as root or as a member of that group"
    )]
    Group {
        /// What was to be bound.
        address: ListenAddress,
        /// The group.
        gid: u32,
        /// What the system said.
        source: io::Error,
    },
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
/// Dropped, it is closed, and the file of a unix socket is removed where it was made here.
#[derive(Debug)]
pub struct Listener {
    address: ListenAddress,
    socket: Socket,
    callers: Callers,
    tls: Option<Tls>,
}

/// The order of fields matters: the file is given back while the socket is still open.
#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    Unix { _file: Option<SocketFile>, listener: UnixListener },
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
                allow_plaintext(address, options)?;
                let listener = TcpListener::bind(wanted).await.map_err(|error| {
                    if error.kind() == io::ErrorKind::AddrInUse {
                        BindError::InUse(address.clone())
                    } else {
                        io(error)
                    }
                })?;
                let bound = ListenAddress::Tcp(listener.local_addr().map_err(io)?);
                Ok(Self::new(bound, Socket::Tcp(listener), options))
            }
            ListenAddress::Unix(path) => {
                let access = FileAccess { mode: options.socket_mode, gid: options.socket_gid };
                let (file, listener) = SocketFile::claim(path, access)
                    .map_err(|error| refused(error, address, path))?;
                let listener = UnixListener::from_std(listener).map_err(io)?;
                let socket = Socket::Unix { _file: Some(file), listener };
                Ok(Self::new(address.clone(), socket, options))
            }
        }
    }

    /// Takes over a TCP socket that listens already.
    pub(super) fn over_tcp(
        listener: std::net::TcpListener,
        options: &BindOptions,
    ) -> Result<Self, BindError> {
        // An address that cannot be asked for is a defect of the system's, shown as the unspecified one.
        let unknown = ListenAddress::Tcp(([0, 0, 0, 0], 0).into());
        let io = |source| BindError::Io { address: unknown.clone(), source };
        let address = ListenAddress::Tcp(listener.local_addr().map_err(io)?);
        allow_plaintext(&address, options)?;
        let io = |source| BindError::Io { address: address.clone(), source };
        listener.set_nonblocking(true).map_err(io)?;
        let listener = TcpListener::from_std(listener).map_err(io)?;
        Ok(Self::new(address.clone(), Socket::Tcp(listener), options))
    }

    /// Takes over a unix socket that listens already, whose file is somebody else's.
    pub(super) fn over_unix(
        path: &Path,
        listener: StdUnixListener,
        options: &BindOptions,
    ) -> Result<Self, BindError> {
        let address = ListenAddress::Unix(path.to_owned());
        let io = |source| BindError::Io { address: address.clone(), source };
        listener.set_nonblocking(true).map_err(io)?;
        let listener = UnixListener::from_std(listener).map_err(io)?;
        Ok(Self::new(address.clone(), Socket::Unix { _file: None, listener }, options))
    }

    fn new(address: ListenAddress, socket: Socket, options: &BindOptions) -> Self {
        let tls = match &socket {
            Socket::Tcp(_) => options.tls.clone(),
            Socket::Unix { .. } => None,
        };
        Self { address, socket, callers: options.callers.clone(), tls }
    }

    /// What was bound: the real port where 0 was asked for.
    #[must_use]
    pub fn address(&self) -> &ListenAddress {
        &self.address
    }

    /// The next connection of somebody who may call.
    ///
    /// # Errors
    ///
    /// What the system says; the listener is still good.
    pub async fn accept(&self) -> io::Result<Accepted> {
        match &self.socket {
            Socket::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                // A call is a few small frames: waiting to fill a segment only costs time.
                stream.set_nodelay(true)?;
                let peer = Peer::Tcp(address);
                Ok(Accepted { stream: Box::new(stream), peer, tls: self.tls.clone() })
            }
            Socket::Unix { listener, .. } => loop {
                let (stream, _) = listener.accept().await?;
                let caller = stream.peer_cred()?;
                let (uid, gid) = (caller.uid(), caller.gid());
                let peer = Peer::Unix { uid, gid, pid: caller.pid() };
                if self.callers.admit(uid, gid) {
                    return Ok(Accepted { stream: Box::new(stream), peer, tls: None });
                }
                let address = &self.address;
                tracing::warn!(%peer, %address, "refused: neither its user nor its group may call");
            },
        }
    }
}

fn allow_plaintext(address: &ListenAddress, options: &BindOptions) -> Result<(), BindError> {
    let leaves = matches!(address, ListenAddress::Tcp(at) if !at.ip().to_canonical().is_loopback());
    if leaves && !options.insecure_tcp && options.tls.is_none() {
        return Err(BindError::NotLoopback(address.clone()));
    }
    Ok(())
}

fn refused(error: ClaimError, address: &ListenAddress, path: &Path) -> BindError {
    let address = address.clone();
    let directory = path.parent().unwrap_or(Path::new("/")).to_owned();
    match error {
        ClaimError::InUse => BindError::InUse(address),
        ClaimError::NotASocket => BindError::NotASocket(address),
        ClaimError::NoDirectory => BindError::NoDirectory { address, directory },
        ClaimError::NotWritable(source) => BindError::NotWritable { address, directory, source },
        ClaimError::Group(gid, source) => BindError::Group { address, gid, source },
        ClaimError::Io(source) => BindError::Io { address, source },
    }
}

/// Bytes both ways.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// An accepted connection, on which nothing was said yet.
pub struct Accepted {
    stream: Box<dyn Duplex>,
    tls: Option<Tls>,
    /// Who called.
    pub peer: Peer,
}

impl Accepted {
    /// The connection after its handshake, where it needs one; nothing where that failed.
    pub(super) async fn secured(self, within: Duration) -> Option<Connection> {
        let Self { stream, tls, peer } = self;
        let Some(tls) = tls else { return Some(Connection { stream, peer }) };
        match tls.accept(stream, within).await {
            Ok(stream) => Some(Connection { stream, peer }),
            // Whoever only looks whether the port is open does this every few seconds.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                tracing::debug!(%peer, %error, "no TLS handshake");
                None
            }
            Err(error) => {
                tracing::warn!(%peer, %error, "refused: the TLS handshake failed");
                None
            }
        }
    }
}

/// A connection that is ready for HTTP/2.
pub struct Connection {
    /// The bytes. Whatever stands between a socket and HTTP/2 wraps them.
    pub stream: Box<dyn Duplex>,
    /// Who called.
    pub peer: Peer,
}
