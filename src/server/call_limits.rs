//! The limits of calls, as one layer: how many may be in flight, the status of a message that is too large, and which
//! answers are compressed.
//!
//! Health checks and reflection are exempt: a server at its limit is alive, and an operator must be able to
//! inspect it.

use crate::call_end::{OnEnd, status_code};
use crate::server::metrics::Metrics;
use http::{HeaderMap, Request, Response};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::Semaphore;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::Service;
use tracing::Span;

/// The services that are exempt from the limit.
const EXEMPT: [&str; 2] = ["/grpc.health.", "/grpc.reflection."];

/// How many calls may be in flight, and the statuses of calls that are refused.
#[derive(Debug, Clone)]
pub struct CallLimits {
    /// The largest number of calls in flight, over all connections.
    pub in_flight: usize,
    /// The status of a call above that number.
    pub overloaded: Status,
    /// The status of a request that is larger than its service decodes. tonic answers `OUT_OF_RANGE`, which no
    /// other implementation does, and which no client retries or reports as a limit; for one that is larger when it is
    /// decompressed it answers `RESOURCE_EXHAUSTED` without details.
    pub too_large: Status,
}

/// The header with the compression of a request.
const GRPC_ENCODING: &str = "grpc-encoding";

/// The header with the compressions that a client accepts.
const GRPC_ACCEPT_ENCODING: &str = "grpc-accept-encoding";

/// Whether tonic refused to decode a request because of its size. None of the services answers `OUT_OF_RANGE` itself,
/// or `RESOURCE_EXHAUSTED` without details.
fn is_undecoded(headers: &HeaderMap) -> bool {
    match status_code(headers) {
        Some(Code::OutOfRange) => true,
        Some(Code::ResourceExhausted) => !headers.contains_key(Status::GRPC_STATUS_DETAILS),
        Some(_) | None => false,
    }
}

/// A service with limits on its calls.
#[derive(Debug, Clone)]
pub struct Limited<S> {
    inner: S,
    limits: Arc<CallLimits>,
    permits: Arc<Semaphore>,
    metrics: Arc<Metrics>,
}

impl<S> Limited<S> {
    /// Puts limits on the calls of a service.
    pub fn new(inner: S, limits: CallLimits, metrics: Arc<Metrics>) -> Self {
        let permits = Arc::new(Semaphore::new(limits.in_flight.min(Semaphore::MAX_PERMITS)));
        Self { inner, limits: Arc::new(limits), permits, metrics }
    }
}

impl<S, B> Service<Request<B>> for Limited<S>
where
    S: Service<Request<B>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        // Most clients accept compressed answers, few need them. Like gRPC for Go: one that compresses gets the same.
        if !request.headers().contains_key(GRPC_ENCODING) {
            request.headers_mut().remove(GRPC_ACCEPT_ENCODING);
        }
        let path = request.uri().path();
        let release = if EXEMPT.iter().any(|prefix| path.starts_with(prefix)) {
            None
        } else {
            let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else {
                self.metrics.shed.inc();
                let refusal = self.limits.overloaded.clone();
                return Box::pin(std::future::ready(Ok(refusal.into_http())));
            };
            let in_flight = self.metrics.in_flight.clone();
            in_flight.inc();
            Some(OnEnd::new(move |_| {
                in_flight.dec();
                drop(permit);
            }))
        };
        let (answer, limits) = (self.inner.call(request), Arc::clone(&self.limits));
        Box::pin(async move {
            let Ok(response) = answer.await;
            if is_undecoded(response.headers()) {
                return Ok(limits.too_large.clone().into_http());
            }
            Ok(match release {
                Some(release) => release.watch(response, Span::none()),
                None => response,
            })
        })
    }
}
