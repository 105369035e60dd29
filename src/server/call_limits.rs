//! The limits of calls, as one layer: how many at a time, and what is said where a message is too large.
//!
//! Health checks and reflection always have room: a full server is alive, and an operator who looks at it
//! must not make things worse by being turned away.

use crate::server::metrics::Metrics;
use bytes::Bytes;
use http::{Request, Response};
use http_body::{Frame, SizeHint};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::body::Body;
use tonic::{Code, Status};
use tower::Service;

/// The services that take no place.
const EXEMPT: [&str; 2] = ["/grpc.health.", "/grpc.reflection."];

/// How many calls there may be, and what those are told that are refused.
#[derive(Debug, Clone)]
pub struct CallLimits {
    /// The most calls at a time, over all connections.
    pub in_flight: usize,
    /// What one more is told.
    pub overloaded: Status,
    /// What a call is told whose request is larger than its service decodes. tonic says `OUT_OF_RANGE`,
    /// which no other implementation does and no client retries or reports as a limit.
    pub too_large: Status,
}

impl Default for CallLimits {
    fn default() -> Self {
        Self {
            in_flight: 1024,
            overloaded: Status::resource_exhausted("too many calls in flight"),
            too_large: Status::resource_exhausted("the request is too large"),
        }
    }
}

/// A service with limits on its calls.
#[derive(Debug, Clone)]
pub struct Limited<S> {
    inner: S,
    limits: Arc<CallLimits>,
    places: Arc<Semaphore>,
    metrics: Arc<Metrics>,
}

impl<S> Limited<S> {
    /// Puts limits on the calls of a service.
    pub fn new(inner: S, limits: CallLimits, metrics: Arc<Metrics>) -> Self {
        let places = Arc::new(Semaphore::new(limits.in_flight.min(Semaphore::MAX_PERMITS)));
        Self { inner, limits: Arc::new(limits), places, metrics }
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

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let path = request.uri().path();
        let place = if EXEMPT.iter().any(|prefix| path.starts_with(prefix)) {
            None
        } else {
            let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
                self.metrics.shed.inc();
                let refusal = self.limits.overloaded.clone();
                return Box::pin(std::future::ready(Ok(refusal.into_http())));
            };
            self.metrics.in_flight.inc();
            Some(Place { _permit: place, metrics: Arc::clone(&self.metrics) })
        };
        let (answer, limits) = (self.inner.call(request), Arc::clone(&self.limits));
        Box::pin(async move {
            let Ok(response) = answer.await;
            if is_too_large(&response) {
                return Ok(limits.too_large.clone().into_http());
            }
            Ok(match place {
                Some(place) => response.map(|inner| Body::new(Placed { inner, _place: place })),
                None => response,
            })
        })
    }
}

/// Whether tonic refused to decode the request. None of the services answers `OUT_OF_RANGE` itself.
fn is_too_large(response: &Response<Body>) -> bool {
    let code = response.headers().get(Status::GRPC_STATUS);
    code.is_some_and(|code| Code::from_bytes(code.as_bytes()) == Code::OutOfRange)
}

/// A place among the calls in flight, until it is dropped.
struct Place {
    _permit: OwnedSemaphorePermit,
    metrics: Arc<Metrics>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.metrics.in_flight.dec();
    }
}

/// The body of an answer, whose call keeps its place until all of it is sent.
struct Placed {
    inner: Body,
    _place: Place,
}

impl http_body::Body for Placed {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Pin::new(&mut self.inner).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
