//! One log line for each call, and the request id that the log lines of a call share.
//!
//! The line has method, code, latency, peer and id; never a message, and no metadata except the id. Health checks
//! come every few seconds from every prober, so their lines are logged at level debug. Lines of failed calls are
//! limited, because every peer can make calls fail at any rate.

use crate::call_end::OnEnd;
use crate::server::code;
use crate::server::listen::Peer;
use crate::server::log_limit::LogLimit;
use crate::server::metrics::Metrics;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tonic::Code;
use tonic::body::Body;
use tower::Service;
use tracing::field::Empty;
use tracing::{Instrument, Span};

/// The metadata key of the request id, in both directions.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest request id that is accepted from a caller, in bytes.
pub const MAX_REQUEST_ID: usize = 128;

/// The longest method name that is logged, in characters: callers choose the names of unknown methods.
const MAX_METHOD: usize = 128;

const HEALTH: &str = "/grpc.health.v1.Health/";

/// gRPC's own services, health and reflection, which are not traced.
const OWN_SERVICES: &str = "/grpc.";

/// A service that logs its calls.
///
/// Each call runs in a span with the id, and with two empty fields, `namespace` and `digest`, that its
/// handler fills in. The field `otel.kind` is for traces.
#[derive(Debug, Clone)]
pub struct Traced<S> {
    inner: S,
    log: CallLog,
    limits: Arc<Limits>,
    metrics: Option<Arc<Metrics>>,
    tracing: Option<Tracing>,
}

/// The calls that are logged at level info; all others are logged at level debug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallLog {
    /// Calls that succeed.
    pub ok: bool,
    /// Calls that fail, and calls that are slow.
    pub failed: bool,
    /// The latency from which a call is slow.
    pub slow: Duration,
}

impl Default for CallLog {
    fn default() -> Self {
        Self { ok: false, failed: true, slow: Duration::from_secs(1) }
    }
}

/// The limits of lines about failed calls.
#[derive(Debug)]
struct Limits {
    /// Calls that were refused before any work.
    refused: LogLimit,
    failed: LogLimit,
}

/// How the spans of calls become traces.
#[derive(Debug, Clone, Copy)]
pub struct Tracing {
    /// Makes the span of a call a part of the trace that its headers name. The last argument is the method, for example
    /// `specd.v1.SpecService/Generate`; absent for one that the server does not have.
    pub begin: fn(&Span, &HeaderMap, Option<&str>),
    /// Records the name of the code that the call ended with, and whether that is an error of the server.
    pub end: fn(&Span, &'static str, bool),
}

/// Whether a code is an error of the server, and not of its client. OpenTelemetry's conventions for gRPC list them.
fn is_server_error(code: Code) -> bool {
    matches!(
        code,
        Code::Unknown
            | Code::DeadlineExceeded
            | Code::Unimplemented
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss
    )
}

impl<S> Traced<S> {
    /// Logs the calls of a service.
    pub fn new(inner: S) -> Self {
        let log = CallLog { ok: true, ..CallLog::default() };
        let limits = Limits { refused: LogLimit::default(), failed: LogLimit::new(100) };
        Self { inner, log, limits: Arc::new(limits), metrics: None, tracing: None }
    }

    /// Limits the level info to some calls.
    #[must_use]
    pub fn logging(self, log: CallLog) -> Self {
        Self { log, ..self }
    }

    /// Also counts them.
    #[must_use]
    pub fn counted(self, metrics: Arc<Metrics>) -> Self {
        Self { metrics: Some(metrics), ..self }
    }

    /// Also traces them.
    #[must_use]
    pub fn traced(self, tracing: Option<Tracing>) -> Self {
        Self { tracing, ..self }
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
            None => new_request_id(),
        };
        request.headers_mut().insert(REQUEST_ID, id.clone());
        let path = request.uri().path();
        let method: String = path.chars().take(MAX_METHOD).collect();
        let request_id = id.to_str().unwrap_or_default();
        let tracing = self.tracing.filter(|_| !path.starts_with(OWN_SERVICES));
        let span = span(request_id, tracing.is_some());
        if let Some(tracing) = tracing {
            let is_known = self.metrics.as_ref().is_none_or(|metrics| metrics.has_method(path));
            let known = is_known.then(|| path.trim_start_matches('/'));
            (tracing.begin)(&span, request.headers(), known);
        }
        let peer = request.extensions().get::<Peer>().map(Peer::to_string);
        let counted =
            self.metrics.as_ref().map(|metrics| (Arc::clone(metrics), metrics.begun(path)));
        let (started, call) = (Instant::now(), span.clone());
        let (log, limits) = (self.log, Arc::clone(&self.limits));
        let on_end = OnEnd::new(move |code| {
            let latency = started.elapsed();
            if let Some((metrics, method)) = &counted {
                metrics.ended(method, code, latency);
            }
            if let Some(tracing) = tracing {
                (tracing.end)(&call, code::names(code).0, is_server_error(code));
            }
            let is_failed = code != Code::Ok;
            let is_info = (log.ok || (log.failed && (is_failed || latency >= log.slow)))
                && !method.starts_with(HEALTH);
            let is_refused = matches!(code, Code::Unimplemented | Code::ResourceExhausted);
            let limit = if is_refused { &limits.refused } else { &limits.failed };
            let mut left_out = None;
            if is_info && is_failed {
                let Some(count) = limit.admit() else { return };
                left_out = Some(count).filter(|count| *count > 0);
            }
            let latency_us = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
            let (code, _) = code::names(code);
            call.in_scope(|| {
                if is_info {
                    tracing::info!(method, code, latency_us, peer, left_out, "call");
                } else {
                    tracing::debug!(method, code, latency_us, peer, "call");
                }
            });
        });
        let answer = self.inner.call(request).instrument(span.clone());
        Box::pin(async move {
            let Ok(mut response) = answer.await;
            response.headers_mut().insert(REQUEST_ID, id);
            Ok(on_end.watch(response, span))
        })
    }
}

/// The span of a call. One that is not traced has another target, by which the traces leave it out.
fn span(request_id: &str, is_traced: bool) -> Span {
    if is_traced {
        tracing::info_span!(
            "call",
            request_id,
            namespace = Empty,
            digest = Empty,
            otel.kind = Empty
        )
    } else {
        tracing::info_span!(target: "specd::server::trace::untraced", "call", request_id, namespace = Empty, digest = Empty)
    }
}

/// Whether a caller's id is accepted: 1 to [`MAX_REQUEST_ID`] printable ASCII characters.
fn is_request_id(id: &HeaderValue) -> bool {
    (1..=MAX_REQUEST_ID).contains(&id.len())
        && id.as_bytes().iter().all(|byte| matches!(byte, b' '..=b'~'))
}

/// An id for a caller that sends none: 64 random bits.
fn new_request_id() -> HeaderValue {
    let id = fastrand::u64(..);
    // Sixteen hexadecimal digits are always a valid header value.
    HeaderValue::from_str(&format!("{id:016x}")).unwrap_or_else(|_| HeaderValue::from_static("0"))
}
