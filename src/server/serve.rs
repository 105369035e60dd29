//! The accept loop: from bound sockets to HTTP connections, and the shutdown of all of them.
//!
//! Every limit is applied here: those of connections in `Server::start`, those of HTTP in `http_version`, and those
//! of calls as a layer in `layers`.
//!
//! Invariant: whatever clients do, [`serve`] returns within the drain timeout after shutdown is requested, and
//! half a second to cancel the rest.

use crate::corked::Corked;
use crate::server::accepted::{Accepted, Connection};
use crate::server::authority::Mended;
use crate::server::call_limits::{CallLimits, Limited};
use crate::server::callee::Callee;
use crate::server::cores::Cores;
use crate::server::health::Health;
use crate::server::http_version::{HttpError, builder};
use crate::server::lifetime::{Counted, Lifetime};
use crate::server::listen::{Listener, Peer};
use crate::server::log_limit::LogLimit;
use crate::server::metrics::Metrics;
use crate::server::places::{Place, Places};
use crate::server::shutdown::Shutdown;
use crate::server::tasks::Tasks;
use crate::server::trace::{CallLog, Traced, Tracing};
use crate::server::transit::{Outgoing, Transit};
use crate::server::web::{Translated, Web};
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto;
use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;

/// The pause after an error of accept, for example without file descriptors, so that the loop does not spin.
const BACK_OFF: Duration = Duration::from_millis(100);

/// The largest number of TLS handshakes at a time, of each listener. A further one takes the place of the oldest.
const HANDSHAKES: usize = 32;

/// The limits of the transport.
#[derive(Debug, Clone)]
pub struct ServeConfig {
    /// The largest number of connections of each listener. A further one is closed at once, so that its
    /// client gets UNAVAILABLE instead of waiting.
    pub connections: usize,
    /// The largest number of connections of one peer: of a process over a unix socket, of an address over TCP.
    pub peer_connections: usize,
    /// Whether a further connection takes the place of the one that has been idle for the longest time.
    pub replace_connections: bool,
    /// The largest number of calls in flight on one connection.
    pub streams: u32,
    /// The largest metadata of a call, in bytes.
    pub header_list_bytes: u32,
    /// How long the TLS handshake may take.
    pub tls_timeout: Duration,
    /// How long a connection may be idle before a keepalive ping is sent.
    pub keepalive_interval: Duration,
    /// How long the answer to a keepalive ping may take.
    pub keepalive_timeout: Duration,
    /// The limits of calls over all connections.
    pub calls: CallLimits,
    /// The limits of a connection's lifetime.
    pub lifetime: Lifetime,
    /// How long calls in flight may take to end at shutdown.
    pub drain_timeout: Duration,
    /// Counts connections and calls.
    pub metrics: Arc<Metrics>,
    /// The calls that are logged at level info.
    pub log_calls: CallLog,
    /// Makes calls parts of the traces of their callers, if calls are traced.
    pub tracing: Option<Tracing>,
    /// Whether an `:authority` that h2 would refuse is rewritten for clients over a unix socket.
    pub mend_authority: bool,
    /// gRPC-Web and Connect, and with them HTTP/1.1; nothing for gRPC alone.
    pub web: Option<Web>,
    /// The runtimes of connections.
    pub cores: Cores,
}

/// Why serving failed.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// There is no listener.
    #[error("there is no address to listen on")]
    NoListener,
    /// An accept loop ended by itself, which is a defect.
    #[error("an accept loop has ended: {0}")]
    Loop(String),
}

/// Serves until shutdown is requested, then stops in order.
///
/// The order: health answers `NOT_SERVING` and its Watches end; the sockets are closed and their files
/// removed; each connection gets a GOAWAY; calls in flight may end within the drain timeout; the rest is
/// cancelled. A second request cancels at once.
///
/// # Errors
///
/// A [`ServeError`]. Errors of clients, and of the system for a while, are not among them.
pub async fn serve(
    listeners: Vec<Listener>,
    service: impl Callee<Body>,
    health: Health,
    config: ServeConfig,
    shutdown: Shutdown,
) -> Result<(), ServeError> {
    if listeners.is_empty() {
        return Err(ServeError::NoListener);
    }
    let transit = Transit::new(config.calls.transit_bytes, config.calls.transfer_timeout);
    let mut watching = JoinSet::new();
    watching.spawn({
        let transit = Arc::clone(&transit);
        async move { transit.watch().await }
    });
    let server = Arc::new(Server {
        service: Arc::new(layers(service, &config, &transit)),
        transit,
        http2: Tasks::default(),
        stop: CancellationToken::new(),
        refusals: LogLimit::new(1),
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
            Ok(()) => "without an error".to_owned(),
            Err(error) => error.to_string(),
        })),
    };

    health.end();
    server.stop.cancel();
    while loops.join_next().await.is_some() {}
    server.http2.drain(server.config.drain_timeout, &shutdown).await;
    result
}

/// The layers of every call, the outermost last.
fn layers<S: Callee<Body>>(
    service: S,
    config: &ServeConfig,
    transit: &Arc<Transit>,
) -> impl Callee<Incoming> + use<S> {
    let metrics = Arc::clone(&config.metrics);
    let service = Limited::new(service, config.calls.clone(), Arc::clone(transit), metrics);
    let service = Traced::new(service)
        .logging(config.log_calls)
        .counted(Arc::clone(&config.metrics))
        .traced(config.tracing);
    Translated::new(service, config.web.clone())
}

/// The state that all listeners and connections share.
struct Server<S> {
    service: Arc<S>,
    transit: Arc<Transit>,
    http2: Tasks,
    stop: CancellationToken,
    /// The limit of lines about refused clients.
    refusals: LogLimit,
    config: ServeConfig,
}

impl<S: Callee<Incoming>> Server<S> {
    /// Accepts connections of one listener until shutdown, then closes it.
    async fn accept(self: Arc<Self>, mut listener: Listener) {
        let config = &self.config;
        let places =
            Places::new(config.connections, config.peer_connections, config.replace_connections);
        let handshakes = Places::new(HANDSHAKES, HANDSHAKES, true);
        let mut failing = false;
        loop {
            let accepted = tokio::select! {
                () = self.stop.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok(connection) => {
                    failing = false;
                    self.start(connection, &places, &handshakes);
                }
                Err(error) if is_from_client(&error) => {}
                Err(error) => {
                    self.config.metrics.accept_errors.inc();
                    // Most likely no file descriptor is left and the client still waits: without a pause the
                    // same error would come back at once.
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

    /// Starts a connection, unless there are too many.
    ///
    /// One that needs a TLS handshake takes a place when that is done: until then its client may be anyone.
    fn start(self: &Arc<Self>, accepted: Accepted, places: &Arc<Places>, handshakes: &Arc<Places>) {
        let first = if accepted.needs_handshake() { handshakes } else { places };
        let Some(first) = self.place(first, &accepted.peer) else { return };
        let (server, places, core) =
            (Arc::clone(self), Arc::clone(places), self.config.cores.place());
        self.http2.spawn_on(&core.handle(), async move {
            let _core = core;
            let _counted = server.config.metrics.open_connection();
            let (peer, needs_handshake) = (accepted.peer, accepted.needs_handshake());
            let secured = tokio::select! {
                () = server.stop.cancelled() => return,
                () = first.close.cancelled() => return,
                secured = accepted.secured(server.config.tls_timeout) => secured,
            };
            let Some(connection) = secured else { return };
            let mut place = first;
            if needs_handshake {
                let Some(lasting) = server.place(&places, &peer) else { return };
                place = lasting;
            }
            match server.connection(connection, &place, needs_handshake).await {
                Ok(()) => tracing::debug!(%peer, "connection closed"),
                Err(error) => tracing::debug!(%peer, %error, "connection failed"),
            }
        });
    }

    /// A place for a connection of a peer, unless there are too many.
    fn place(&self, places: &Arc<Places>, peer: &Peer) -> Option<Place> {
        let place = places.take(peer);
        if place.is_none()
            && let Some(left_out) = self.refusals.admit()
        {
            let (most, of_a_peer) = (self.config.connections, self.config.peer_connections);
            tracing::warn!(%peer, most, of_a_peer, left_out, "too many connections, refusing clients");
        }
        place
    }

    /// Serves HTTP on a connection to its end.
    async fn connection(
        &self,
        connection: Connection,
        place: &Place,
        is_tls: bool,
    ) -> Result<(), HttpError> {
        let Connection { mut stream, peer } = connection;
        if self.config.mend_authority && matches!(peer, Peer::Unix { .. }) {
            stream = Box::new(Mended::new(stream));
        }
        let (service, activity) = (Arc::clone(&self.service), Arc::clone(&place.activity));
        let (transit, close) = (Arc::clone(&self.transit), Arc::clone(&place.close));
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert::<Peer>(peer);
            let (service, call) = (Arc::clone(&service), activity.begin());
            let (transit, close) = (Arc::clone(&transit), Arc::clone(&close));
            // Boxed: hyper and tokio move it several times.
            Box::pin(async move {
                let response = service.answer(request).await;
                Ok::<_, Infallible>(response.map(|body| Outgoing::new(body, transit, close, call)))
            })
        });
        let (stream, begun) = Counted::new(stream);
        let http = builder(&self.config, self.http2.clone(), is_tls);
        let serving = pin!(http.serve_connection(TokioIo::new(Corked::new(stream)), service));
        let go_away = auto::Connection::graceful_shutdown;
        self.config.lifetime.drive(serving, go_away, &begun, place, &self.stop).await
    }
}

/// Whether a client closed its connection before it was accepted, which does not concern the next one.
fn is_from_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::NotConnected
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::Interrupted
    )
}
