//! One log line a call, and the request id that ties together what is logged within it.
//!
//! Method, code, latency, peer and id; never a message, never metadata beyond the id. Health checks
//! come every few seconds from every prober, so their lines are for debugging only.

use crate::server::listen::Peer;
use crate::server::metrics::{Method, Metrics};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body::{Frame, SizeHint};
use std::collections::hash_map::RandomState;
use std::convert::Infallible;
use std::hash::BuildHasher;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Instant;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::Service;
use tracing::field::Empty;
use tracing::{Instrument, Span};

/// The metadata key that carries the request id, both ways.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest request id that is taken from a caller, in bytes.
pub const MAX_REQUEST_ID: usize = 128;

/// The most of a method's name that is logged: an unknown one is whatever the caller wrote.
const MAX_METHOD: usize = 128;

const HEALTH: &str = "/grpc.health.v1.Health/";

/// A service whose calls are logged.
///
/// Each call runs in a span with the id and two empty fields, `namespace` and `digest`, for whoever
/// handles it to fill in.
#[derive(Debug, Clone)]
pub struct Traced<S> {
    inner: S,
    ids: Arc<Ids>,
    metrics: Option<Arc<Metrics>>,
    adopt: Option<Adopt>,
}

/// Puts the span of a call into the trace that its headers name; the last is the method.
pub type Adopt = fn(&Span, &HeaderMap, &str);

impl<S> Traced<S> {
    /// Logs the calls of a service.
    pub fn new(inner: S) -> Self {
        Self { inner, ids: Arc::default(), metrics: None, adopt: None }
    }

    /// Counts them too.
    #[must_use]
    pub fn counted(self, metrics: Arc<Metrics>) -> Self {
        Self { metrics: Some(metrics), ..self }
    }

    /// Traces them too.
    #[must_use]
    pub fn adopted(self, adopt: Option<Adopt>) -> Self {
        Self { adopt, ..self }
    }
}

impl<S, B> Service<Request<B>> for Traced<S>
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
        let id = match request.headers().get(&REQUEST_ID).filter(|id| is_request_id(id)) {
            Some(id) => id.clone(),
            None => self.ids.next(),
        };
        request.headers_mut().insert(REQUEST_ID, id.clone());
        let call = Call::start(&request, &id, self.metrics.as_ref());
        if let Some(adopt) = self.adopt {
            adopt(&call.span, request.headers(), &call.method);
        }
        let answer = self.inner.call(request).instrument(call.span.clone());
        Box::pin(async move {
            let mut call = call;
            let Ok(mut response) = answer.await;
            response.headers_mut().insert(REQUEST_ID, id);
            if let Some(code) = code(response.headers()) {
                call.finish(code);
                return Ok(response);
            }
            Ok(response.map(|inner| Body::new(TracedBody { inner, call })))
        })
    }
}

/// A call that runs. Dropped before it is finished, it was cancelled, and is logged as that.
struct Call {
    span: Span,
    method: String,
    peer: Option<Peer>,
    started: Instant,
    finished: bool,
    counted: Option<(Arc<Metrics>, Method)>,
}

impl Call {
    fn start<B>(request: &Request<B>, id: &HeaderValue, metrics: Option<&Arc<Metrics>>) -> Self {
        let request_id = id.to_str().unwrap_or_default();
        Self {
            span: tracing::info_span!("call", request_id, namespace = Empty, digest = Empty),
            method: request.uri().path().chars().take(MAX_METHOD).collect(),
            peer: request.extensions().get::<Peer>().copied(),
            started: Instant::now(),
            finished: false,
            counted: metrics
                .map(|metrics| (Arc::clone(metrics), metrics.begun(request.uri().path()))),
        }
    }

    fn finish(&mut self, code: Code) {
        if std::mem::replace(&mut self.finished, true) {
            return;
        }
        let latency = self.started.elapsed();
        if let Some((metrics, method)) = &self.counted {
            metrics.ended(method, code, latency);
        }
        let latency_us = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        let (method, code) = (self.method.as_str(), code_name(code));
        let peer = self.peer.map(|peer| peer.to_string());
        self.span.in_scope(|| {
            if method.starts_with(HEALTH) {
                tracing::debug!(method, code, latency_us, peer, "call");
            } else {
                tracing::info!(method, code, latency_us, peer, "call");
            }
        });
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.finish(Code::Cancelled);
    }
}

/// The body of an answer, watched for the status that ends it.
struct TracedBody {
    inner: Body,
    call: Call,
}

impl http_body::Body for TracedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        let frame = {
            let _entered = this.call.span.enter();
            ready!(Pin::new(&mut this.inner).poll_frame(cx))
        };
        match &frame {
            Some(Ok(frame)) => {
                if let Some(trailers) = frame.trailers_ref() {
                    this.call.finish(code(trailers).unwrap_or(Code::Unknown));
                }
            }
            Some(Err(status)) => this.call.finish(status.code()),
            None => this.call.finish(Code::Unknown),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// The code in headers or trailers, where they have one.
fn code(headers: &HeaderMap) -> Option<Code> {
    headers.get(Status::GRPC_STATUS).map(|code| Code::from_bytes(code.as_bytes()))
}

/// A code as the protocol spells it.
fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// Whether a caller's id is taken over: 1 to [`MAX_REQUEST_ID`] printable ASCII characters.
fn is_request_id(id: &HeaderValue) -> bool {
    (1..=MAX_REQUEST_ID).contains(&id.len())
        && id.as_bytes().iter().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Ids for callers that bring none: 64 bits that no other process hands out in the same order.
#[derive(Debug, Default)]
struct Ids {
    seed: RandomState,
    count: AtomicU64,
}

impl Ids {
    fn next(&self) -> HeaderValue {
        let id = self.seed.hash_one(self.count.fetch_add(1, Ordering::Relaxed));
        // Sixteen hexadecimal digits are a header value at all times.
        HeaderValue::from_str(&format!("{id:016x}"))
            .unwrap_or_else(|_| HeaderValue::from_static("0"))
    }
}
