//! `grpc.health.v1`: whether the process is alive, and whether the source of images answers.
//!
//! `liveness` is the process; `""`, `readiness` and the name of the service depend on the source.
//! It is our own server because that of tonic-health has no `List` and answers `Watch` of an unknown service
//! with `NOT_FOUND`, where the protocol has `SERVICE_UNKNOWN`.
//!
//! Invariant: once shutdown is announced, every answer is `NOT_SERVING`, and every Watch ends with it.

use crate::api::pb::health::{
    Health as Protocol, HealthCheckRequest, HealthCheckResponse, HealthListRequest,
    HealthListResponse, HealthServer, ServingStatus,
};
use crate::store::ImageStore;
use futures_util::stream;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio_stream::Stream;
use tonic::codec::CompressionEncoding;
use tonic::{Request, Response, Status};

/// The service name for the process itself.
pub const LIVENESS: &str = "liveness";

/// The service name for everything that calls need.
pub const READINESS: &str = "readiness";

/// The largest request, in bytes: it holds only the name of a service.
const REQUEST_BYTES: usize = 4 << 10;

/// How the source is probed: a change is noticed after `every` and `timeout` at the latest.
#[derive(Debug, Clone)]
pub struct Probe {
    /// The pause between two probes.
    pub every: Duration,
    /// How long an answer may take.
    pub timeout: Duration,
}

impl Default for Probe {
    fn default() -> Self {
        Self { every: Duration::from_millis(500), timeout: Duration::from_secs(1) }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The process is alive, and calls would fail.
    Unready,
    Ready,
    Ending,
}

/// The state behind all answers. All clones share it.
#[derive(Debug, Clone)]
pub struct Health {
    service: Arc<str>,
    state: Arc<watch::Sender<State>>,
    /// Whether the last probe got no answer in time.
    silence: Arc<watch::Sender<bool>>,
}

impl Health {
    /// The health of a server with one service; not ready until a probe succeeds.
    #[must_use]
    pub fn new(service: &str) -> Self {
        let state = Arc::new(watch::Sender::new(State::Unready));
        Self { service: service.into(), state, silence: Arc::new(watch::Sender::new(false)) }
    }

    /// Whether the source gave no answer to the last probe, neither a good nor a bad one.
    #[must_use]
    pub fn silence(&self) -> watch::Receiver<bool> {
        self.silence.subscribe()
    }

    /// The gRPC service.
    #[must_use]
    pub fn server(&self) -> HealthServer<Self> {
        let gzip = CompressionEncoding::Gzip;
        let server = HealthServer::new(self.clone()).max_decoding_message_size(REQUEST_BYTES);
        server.accept_compressed(gzip).send_compressed(gzip)
    }

    /// Probes the source until shutdown is announced. Only changes are logged.
    pub async fn follow<S: ImageStore>(&self, source: S, probe: Probe) {
        let mut state = self.state.subscribe();
        let mut known = None;
        loop {
            let began = Instant::now();
            let answer = tokio::select! {
                () = ending(&mut state) => return,
                answer = tokio::time::timeout(probe.timeout, source.ping()) => answer,
            };
            // If the timeout itself ends late, the CPUs are busy, and the answer may be here.
            let late = began.elapsed() >= probe.timeout.mul_f32(1.25);
            let silent = answer.is_err() && !late;
            // Each silent probe is announced.
            self.silence
                .send_if_modified(|known| std::mem::replace(known, silent) != silent || silent);
            let reason = match answer {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(error.to_string()),
                Err(_) => Some(format!("no answer within {:?}", probe.timeout)),
            };
            let ready = reason.is_none();
            if known != Some(ready) {
                known = Some(ready);
                match reason {
                    None => tracing::info!("ready: the image source answers"),
                    Some(reason) => {
                        tracing::warn!(reason, "not ready: the image source does not answer");
                    }
                }
                self.enter(if ready { State::Ready } else { State::Unready });
            }
            tokio::select! {
                () = ending(&mut state) => return,
                () = tokio::time::sleep(probe.every) => {}
            }
        }
    }

    /// Announces shutdown: `NOT_SERVING` for every name from now on.
    pub fn end(&self) {
        self.enter(State::Ending);
    }

    /// Whether the source answered the last probe.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        *self.state.borrow() == State::Ready
    }

    fn enter(&self, next: State) {
        self.state.send_if_modified(|state| {
            let changes = *state != next && *state != State::Ending;
            if changes {
                *state = next;
            }
            changes
        });
    }

    /// The status of a name, or nothing for an unknown name.
    fn status(&self, name: &str, state: State) -> Option<ServingStatus> {
        let serves = match name {
            LIVENESS => state != State::Ending,
            "" | READINESS => state == State::Ready,
            name if name == &*self.service => state == State::Ready,
            _ => return None,
        };
        Some(if serves { ServingStatus::Serving } else { ServingStatus::NotServing })
    }
}

/// Returns when shutdown is announced.
async fn ending(states: &mut watch::Receiver<State>) {
    // An error means that the sender is gone, which is an end too.
    drop(states.wait_for(|state| *state == State::Ending).await);
}

fn response(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse { status: status.into() }
}

#[tonic::async_trait]
impl Protocol for Health {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let state = *self.state.borrow();
        self.status(&request.get_ref().service, state).map(response).map(Response::new).ok_or_else(
            || {
                let known = &self.service;
                Status::not_found(format!(
                    "unknown service, known are \"\", {LIVENESS}, {READINESS} and {known}"
                ))
            },
        )
    }

    async fn list(
        &self,
        _: Request<HealthListRequest>,
    ) -> Result<Response<HealthListResponse>, Status> {
        let state = *self.state.borrow();
        let names = ["", LIVENESS, READINESS, &self.service];
        let statuses = names
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), response(self.status(name, state)?))));
        Ok(Response::new(HealthListResponse { statuses: statuses.collect() }))
    }

    type WatchStream =
        Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send + 'static>>;

    /// The current status, then each change. For an unknown name, which may become known later, the protocol
    /// requires an answer and an open stream.
    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let name = request.into_inner().service;
        let watcher =
            Watcher { health: self.clone(), name, states: self.state.subscribe(), sent: None };
        Ok(Response::new(Box::pin(stream::unfold(watcher, Watcher::next))))
    }
}

/// One Watch.
struct Watcher {
    health: Health,
    name: String,
    states: watch::Receiver<State>,
    /// The last status that was sent.
    sent: Option<ServingStatus>,
}

impl Watcher {
    async fn next(mut self) -> Option<(Result<HealthCheckResponse, Status>, Self)> {
        loop {
            let state = *self.states.borrow_and_update();
            let status =
                self.health.status(&self.name, state).unwrap_or(ServingStatus::ServiceUnknown);
            if self.sent != Some(status) {
                self.sent = Some(status);
                return Some((Ok(response(status)), self));
            }
            if state == State::Ending || self.states.changed().await.is_err() {
                return None;
            }
        }
    }
}
