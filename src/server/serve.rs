//! The accept loop: from bound sockets to HTTP/2 connections, and the way out of it all.
//!
//! Every limit on sockets, connections and calls hangs here, one line each: what concerns a connection
//! in `Server::greet`, what concerns HTTP/2 in `http2`, what concerns a call as a layer in
//! `layers`.
//!
//! Invariant: whatever clients do, [`serve`] returns within the drain timeout, and half a second to cut
//! what is left, after the wish to stop.

use crate::server::authority::Mended;
use crate::server::health::Health;
use crate::server::listen::{Accepted, Connection, Listener, Peer};
use crate::server::shutdown::Shutdown;
use crate::server::tasks::Tasks;
use crate::server::trace::Traced;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::service::Routes;
use tower::{Service, ServiceExt};

/// How long the loop rests when the system has nothing to accept with, instead of spinning.
const BACK_OFF: Duration = Duration::from_millis(100);

/// The limits of the transport.
#[derive(Debug, Clone)]
pub struct ServeConfig {
    /// The most connections at a time, over all listeners. One more is closed at once, so that its
    /// client hears UNAVAILABLE instead of waiting.
    pub connections: usize,
    /// The most calls at a time on one connection.
    pub streams: u32,
    /// The most bytes of a call's metadata.
    pub header_list_bytes: u32,
    /// How long a client may take for the TLS handshake.
    pub tls_within: Duration,
    /// How long a connection may be silent before it is asked whether it still lives.
    pub keepalive_every: Duration,
    /// How long the answer to that may take.
    pub keepalive_timeout: Duration,
    /// How long calls that run may take to end once the server is to stop.
    pub drain_timeout: Duration,
    /// Whether clients over a unix socket may send any `:authority`, as those do that send its path.
    pub mend_authority: bool,
}

impl Default for ServeConfig {
    fn default() -> Self {
        Self {
            connections: 256,
            streams: 128,
            header_list_bytes: 16 << 10,
            tls_within: Duration::from_secs(10),
            keepalive_every: Duration::from_secs(60),
            keepalive_timeout: Duration::from_secs(20),
            drain_timeout: Duration::from_secs(10),
            mend_authority: true,
        }
    }
}

/// Why serving failed.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// There is nothing to accept from.
    #[error("there is no address to listen on")]
    NoListener,
    /// A loop ended that never ends by itself: a defect of ours.
    #[error("an accept loop broke off: {0}")]
    Loop(String),
}

/// Serves until the wish to stop, then stops in order.
///
/// The order: health says `NOT_SERVING` and its Watches end; the sockets are closed and their files
/// removed; each connection is told to go away; what runs may end within the drain timeout; what is
/// left is cut. A second wish cuts at once.
///
/// # Errors
///
/// A [`ServeError`]. What clients do, or the system refuses for a while, is none.
pub async fn serve(
    listeners: Vec<Listener>,
    routes: Routes,
    health: Health,
    config: ServeConfig,
    shutdown: Shutdown,
) -> Result<(), ServeError> {
    if listeners.is_empty() {
        return Err(ServeError::NoListener);
    }
    let server = Arc::new(Server {
        service: layers(routes),
        http2: Tasks::default(),
        stop: CancellationToken::new(),
        places: Arc::new(Semaphore::new(config.connections.min(Semaphore::MAX_PERMITS))),
        is_full: AtomicBool::new(false),
        config,
    });
    let mut loops = JoinSet::new();
    for listener in listeners {
        tracing::info!(address = %listener.address(), "listening");
        loops.spawn(Arc::clone(&server).accept(listener));
    }

    let result = tokio::select! {
        () = shutdown.requested() => Ok(()),
        Some(ended) = loops.join_next() => Err(ServeError::Loop(match ended {
            Ok(()) => "it returned".to_owned(),
            Err(error) => error.to_string(),
        })),
    };

    health.end();
    server.stop.cancel();
    while loops.join_next().await.is_some() {}
    server.http2.drain(server.config.drain_timeout, &shutdown).await;
    result
}

/// A service as connections call it.
trait Callee:
    Service<
        Request<Incoming>,
        Response = Response<Body>,
        Error = Infallible,
        Future: Send + 'static,
    > + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> Callee for S where
    S: Service<
            Request<Incoming>,
            Response = Response<Body>,
            Error = Infallible,
            Future: Send + 'static,
        > + Clone
        + Send
        + Sync
        + 'static
{
}

/// What every call passes through, outermost last.
fn layers(routes: Routes) -> impl Callee {
    let service = routes.prepare();
    Traced::new(service)
}

/// The HTTP/2 of a connection.
fn http2(config: &ServeConfig, tasks: Tasks) -> http2::Builder<Tasks> {
    let mut http2 = http2::Builder::new(tasks);
    http2
        .timer(TokioTimer::new())
        .max_concurrent_streams(config.streams)
        .max_header_list_size(config.header_list_bytes)
        .keep_alive_interval(config.keepalive_every)
        .keep_alive_timeout(config.keepalive_timeout);
    http2
}

/// What all listeners and connections share.
struct Server<S> {
    service: S,
    http2: Tasks,
    stop: CancellationToken,
    places: Arc<Semaphore>,
    /// Whether the last client was turned away, so that the log says so once and not once a client.
    is_full: AtomicBool,
    config: ServeConfig,
}

impl<S: Callee> Server<S> {
    /// Takes connections from one listener until the server is to stop, then closes it.
    async fn accept(self: Arc<Self>, listener: Listener) {
        let mut failing = false;
        loop {
            let accepted = tokio::select! {
                () = self.stop.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok(connection) => {
                    failing = false;
                    self.greet(connection);
                }
                Err(error) if is_the_clients(&error) => {}
                Err(error) => {
                    // No descriptor is left, most likely, and the client still waits: asked again at
                    // once, the system would say the same, as fast as it can.
                    if !std::mem::replace(&mut failing, true) {
                        let address = listener.address();
                        tracing::warn!(%address, %error, "cannot accept, trying again");
                    }
                    tokio::select! {
                        () = self.stop.cancelled() => return,
                        () = tokio::time::sleep(BACK_OFF) => {}
                    }
                }
            }
        }
    }

    /// Decides whether a connection may stay, and starts it.
    fn greet(self: &Arc<Self>, accepted: Accepted) {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            if !self.is_full.swap(true, Ordering::Relaxed) {
                let (peer, most) = (accepted.peer, self.config.connections);
                tracing::warn!(%peer, most, "too many connections, turning clients away");
            }
            return;
        };
        self.is_full.store(false, Ordering::Relaxed);
        let server = Arc::clone(self);
        self.http2.spawn(async move {
            let peer = accepted.peer;
            let secured = tokio::select! {
                () = server.stop.cancelled() => return,
                secured = accepted.secured(server.config.tls_within) => secured,
            };
            let Some(connection) = secured else { return };
            match server.connection(connection).await {
                Ok(()) => tracing::debug!(%peer, "connection closed"),
                Err(error) => tracing::debug!(%peer, %error, "connection broke off"),
            }
            drop(place);
        });
    }

    /// Speaks HTTP/2 on a connection, to its end.
    async fn connection(&self, connection: Connection) -> hyper::Result<()> {
        let Connection { mut stream, peer } = connection;
        if self.config.mend_authority && matches!(peer, Peer::Unix { .. }) {
            stream = Box::new(Mended::new(stream));
        }
        let service = self.service.clone().map_request(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert::<Peer>(peer);
            request
        });
        let mut serving = pin!(
            http2(&self.config, self.http2.clone())
                .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
        );
        tokio::select! {
            ended = serving.as_mut() => return ended,
            () = self.stop.cancelled() => serving.as_mut().graceful_shutdown(),
        }
        serving.await
    }
}

/// Whether a client broke off before it was accepted, which says nothing of the next one.
fn is_the_clients(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::NotConnected
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::Interrupted
    )
}
