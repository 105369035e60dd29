//! Accepted connections, from the socket to a stream that is ready for HTTP.

use crate::server::log_limit::LogLimit;
use crate::server::peer::Peer;
use crate::server::tls::Tls;
use std::io;
use std::net::TcpStream as StdTcpStream;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

/// A stream of bytes in both directions.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// The socket of a connection, which no runtime has yet.
#[derive(Debug)]
pub(super) enum AcceptedSocket {
    Tcp(StdTcpStream),
    Unix(StdUnixStream),
}

impl AcceptedSocket {
    /// The stream, on the current runtime.
    fn stream(self) -> io::Result<Box<dyn Duplex>> {
        Ok(match self {
            Self::Tcp(socket) => Box::new(TcpStream::from_std(socket)?),
            Self::Unix(socket) => Box::new(UnixStream::from_std(socket)?),
        })
    }
}

/// An accepted connection, before its TLS handshake.
pub struct Accepted {
    pub(super) socket: AcceptedSocket,
    pub(super) tls: Option<Tls>,
    pub(super) refusals: Arc<LogLimit>,
    /// The caller.
    pub peer: Peer,
}

impl Accepted {
    /// Whether its client is not known yet, because it has to perform a TLS handshake.
    pub(super) fn needs_handshake(&self) -> bool {
        self.tls.is_some()
    }

    /// The connection on the current runtime after its TLS handshake, if it needs one; nothing if that failed.
    pub(super) async fn secured(self, within: Duration) -> Option<Connection> {
        let Self { socket, tls, peer, refusals } = self;
        let stream = match socket.stream() {
            Ok(stream) => stream,
            Err(error) => {
                if let Some(left_out) = refusals.admit() {
                    tracing::warn!(%peer, %error, left_out, "refused: its socket cannot be used");
                }
                return None;
            }
        };
        let Some(tls) = tls else { return Some(Connection { stream, peer }) };
        match tls.accept(stream, within).await {
            Ok(stream) => Some(Connection { stream, peer }),
            // A probe that only checks whether the port is open does this every few seconds.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                tracing::debug!(%peer, %error, "no TLS handshake");
                None
            }
            Err(error) => {
                if let Some(left_out) = refusals.admit() {
                    tracing::warn!(%peer, %error, left_out, "refused: the TLS handshake failed");
                }
                None
            }
        }
    }
}

/// A connection that is ready for HTTP/2.
pub struct Connection {
    /// The stream. Each layer between the socket and HTTP/2 wraps it.
    pub stream: Box<dyn Duplex>,
    /// The caller.
    pub peer: Peer,
}
