//! Bound sockets, and the connections that they accept.
//!
//! `serve` speaks HTTP on a connection; `unix_socket` creates and removes the file of a unix socket.

pub use crate::server::address::{AddressError, ListenAddress, ListenOn, MAX_SOCKET_PATH};
pub use crate::server::peer::{Callers, Peer};
pub use crate::server::unix_socket::SocketMode;

use crate::server::accepted::{Accepted, AcceptedSocket};
use crate::server::log_limit::LogLimit;
use crate::server::tls::Tls;
use crate::server::unix_listener::UnixSocket;
use crate::server::unix_socket::{ClaimError, FileAccess, SocketFile};
use std::io;
use std::os::unix::net::UnixListener as StdUnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpListener;

/// How sockets are bound.
#[derive(Debug, Clone, Default)]
pub struct BindOptions {
    /// The mode of a unix socket's file. A process that may write to the file may connect.
    pub socket_mode: SocketMode,
    /// The group of a unix socket's file, if it is not that of the process.
    pub socket_gid: Option<u32>,
    /// The processes that may call over a unix socket.
    pub callers: Callers,
    /// Whether plain text is allowed on an address that other machines can reach.
    pub insecure_tcp: bool,
    /// TLS on TCP.
    pub tls: Option<Tls>,
}

/// Why an address cannot be bound.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Plain text would leave the machine.
    #[error(
        "{0} is not a loopback address and would not be encrypted: use 127.0.0.1 or [::1], encrypt with --tls-cert, or allow it with --insecure-tcp"
    )]
    NotLoopback(ListenAddress),
    /// Another process answers there.
    #[error("{0} is in use: stop the process that answers there, or choose another address")]
    InUse(ListenAddress),
    /// The directory of the socket does not exist.
    #[error("{address} needs the directory {}: create it first", directory.display())]
    NoDirectory {
        /// The address.
        address: ListenAddress,
        /// The missing directory.
        directory: PathBuf,
    },
    /// This process may not create a file in the directory.
    #[error(
        "{address} needs a directory that this process may write to: {}: {source}",
        directory.display()
    )]
    NotWritable {
        /// The address.
        address: ListenAddress,
        /// The directory.
        directory: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// The path exists and is not a socket.
    #[error("{0} exists and is not a socket: remove it or choose another path")]
    NotASocket(ListenAddress),
    /// The file cannot be given to the group.
    #[error(
        "cannot give {address} to group {gid}: {source}: run as root or as a member of that group"
    )]
    Group {
        /// The address.
        address: ListenAddress,
        /// The group.
        gid: u32,
        /// The error of the system.
        source: io::Error,
    },
    /// Another error of the system.
    #[error("cannot listen on {address}: {source}")]
    Io {
        /// The address.
        address: ListenAddress,
        /// The error of the system.
        source: io::Error,
    },
}

/// A bound socket that accepts connections.
///
/// Dropped, it is closed, and the file of a unix socket is removed if it was created here.
#[derive(Debug)]
pub struct Listener {
    address: ListenAddress,
    socket: Socket,
    callers: Callers,
    tls: Option<Tls>,
    refusals: Arc<LogLimit>,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    Unix(UnixSocket),
}

impl Listener {
    /// Binds one address and listens on it.
    ///
    /// For start-up only: for a unix socket it may block half a second for another process that binds in the
    /// same directory.
    ///
    /// # Errors
    ///
    /// A [`BindError`] that says what to do.
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
                let socket = UnixSocket::new(Some(file), listener).map_err(io)?;
                Ok(Self::new(address.clone(), Socket::Unix(socket), options))
            }
        }
    }

    /// Takes over a TCP socket that is listening already.
    pub(super) fn over_tcp(
        listener: std::net::TcpListener,
        options: &BindOptions,
    ) -> Result<Self, BindError> {
        // A socket without an address is a defect of the system; the error shows the unspecified address.
        let unknown = ListenAddress::Tcp(([0, 0, 0, 0], 0).into());
        let io = |source| BindError::Io { address: unknown.clone(), source };
        let address = ListenAddress::Tcp(listener.local_addr().map_err(io)?);
        allow_plaintext(&address, options)?;
        let io = |source| BindError::Io { address: address.clone(), source };
        listener.set_nonblocking(true).map_err(io)?;
        let listener = TcpListener::from_std(listener).map_err(io)?;
        Ok(Self::new(address.clone(), Socket::Tcp(listener), options))
    }

    /// Takes over a unix socket that is listening already; its file belongs to another process.
    pub(super) fn over_unix(
        path: &Path,
        listener: StdUnixListener,
        options: &BindOptions,
    ) -> Result<Self, BindError> {
        let address = ListenAddress::Unix(path.to_owned());
        let io = |source| BindError::Io { address: address.clone(), source };
        listener.set_nonblocking(true).map_err(io)?;
        let socket = UnixSocket::new(None, listener).map_err(io)?;
        Ok(Self::new(address.clone(), Socket::Unix(socket), options))
    }

    fn new(address: ListenAddress, socket: Socket, options: &BindOptions) -> Self {
        let tls = match &socket {
            Socket::Tcp(_) => options.tls.clone(),
            Socket::Unix(_) => None,
        };
        let refusals = Arc::default();
        Self { address, socket, callers: options.callers.clone(), tls, refusals }
    }

    /// The bound address, with the real port where 0 was requested.
    #[must_use]
    pub fn address(&self) -> &ListenAddress {
        &self.address
    }

    /// The next connection of a caller that is allowed. If the file of a unix socket has been removed, it is created
    /// again.
    ///
    /// # Errors
    ///
    /// The error of the system; the listener can still be used.
    pub async fn accept(&mut self) -> io::Result<Accepted> {
        match &mut self.socket {
            Socket::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                // A call is a few small frames: waiting to fill a segment would only delay them.
                stream.set_nodelay(true)?;
                let (socket, peer) = (AcceptedSocket::Tcp(stream.into_std()?), Peer::Tcp(address));
                let (tls, refusals) = (self.tls.clone(), Arc::clone(&self.refusals));
                Ok(Accepted { socket, peer, tls, refusals })
            }
            Socket::Unix(socket) => loop {
                let stream = socket.accept(&self.address).await?;
                let caller = stream.peer_cred()?;
                let (uid, gid) = (caller.uid(), caller.gid());
                let peer = Peer::Unix { uid, gid, pid: caller.pid() };
                if self.callers.admit(uid, gid) {
                    let socket = AcceptedSocket::Unix(stream.into_std()?);
                    let refusals = Arc::clone(&self.refusals);
                    return Ok(Accepted { socket, peer, tls: None, refusals });
                }
                let address = &self.address;
                if let Some(left_out) = self.refusals.admit() {
                    tracing::warn!(%peer, %address, left_out, "refused: neither its user nor its group is allowed");
                }
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
