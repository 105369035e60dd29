//! The connection to the socket, and what is wrong with the socket if there is no connection.

use crate::corked::Corked;
use crate::store::StoreError;
use hyper_util::rt::TokioIo;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UnixStream;
use tonic::transport::{Channel, Endpoint, Uri};

/// How long the socket may take to accept.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);

/// How much of one blob may wait unread.
const STREAM_WINDOW: u32 = 1 << 20;

/// How much of all blobs may wait unread. Far above [`STREAM_WINDOW`], so that a few readers that pause
/// cannot delay the answers to other calls on the same connection.
const CONNECTION_WINDOW: u32 = 64 << 20;

/// The connections of a channel: how many have ended, and the one in use.
#[derive(Debug, Clone, Default)]
pub(super) struct Connections(Arc<State>);

#[derive(Debug, Default)]
struct State {
    ended: AtomicU64,
    /// Another descriptor of the newest connection.
    newest: Mutex<Option<OwnedFd>>,
}

impl Connections {
    /// How many have ended until now.
    pub(super) fn ended(&self) -> u64 {
        self.0.ended.load(Ordering::SeqCst)
    }

    /// Ends the connection in use, so that the next call opens a new one.
    pub(super) fn end(&self) {
        if let Some(connection) = self.newest().take() {
            // It may have ended by itself.
            let _ = rustix::net::shutdown(connection, rustix::net::Shutdown::Both);
        }
    }

    fn newest(&self) -> MutexGuard<'_, Option<OwnedFd>> {
        self.0.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection, which is counted when it ends.
struct Connection {
    stream: UnixStream,
    connections: Connections,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.connections.0.ended.fetch_add(1, Ordering::SeqCst);
        // Closing it is not enough: the newest connection has another descriptor.
        let _ = rustix::net::shutdown(&self.stream, rustix::net::Shutdown::Both);
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A channel that dials when it is used, and again after the connection has ended.
pub(super) fn lazy(socket: Arc<Path>, connections: Connections) -> Channel {
    let dial = move |_: Uri| dial(Arc::clone(&socket), connections.clone());
    // The address is never resolved: it only becomes the `:authority` of the requests.
    Endpoint::from_static("http://localhost")
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .connect_with_connector_lazy(tower::service_fn(dial))
}

async fn dial(
    socket: Arc<Path>,
    connections: Connections,
) -> Result<TokioIo<Corked<Connection>>, StoreError> {
    let reason = match tokio::time::timeout(CONNECT_WITHIN, UnixStream::connect(&socket)).await {
        Ok(Ok(stream)) => {
            *connections.newest() = stream.as_fd().try_clone_to_owned().ok();
            return Ok(TokioIo::new(Corked::new(Connection { stream, connections })));
        }
        Ok(Err(error)) => reason(&socket, &error).await,
        Err(_) => format!("not accepted within {CONNECT_WITHIN:?}"),
    };
    Err(StoreError::Unavailable(format!("{}: {reason}", socket.display())))
}

/// What is wrong with a socket, in the words that people search for.
pub(super) async fn reason(socket: &Path, error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::NotFound {
        return "no such file: start containerd, or name its socket with --containerd".to_owned();
    }
    if error.kind() == io::ErrorKind::PermissionDenied {
        return "permission denied: run specd as root, or as a member of the socket's group"
            .to_owned();
    }
    if error.kind() == io::ErrorKind::ConnectionRefused {
        // A file that is not a socket gives the same error as a socket without a listener.
        let refused = match tokio::fs::metadata(socket).await {
            Ok(found) if !found.file_type().is_socket() => "not a socket",
            Ok(_) | Err(_) => "connection refused",
        };
        return refused.to_owned();
    }
    error.to_string()
}
