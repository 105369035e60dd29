//! One log line for each call, and the request id that the log lines of a call share.
//!
//! The line has method, code, latency, peer and id, and the reason of a failure; never a message, and no metadata except the
//! id. Health checks come every few seconds from every prober, and clients with reflection call it before each call, so their
//! lines are logged at level debug. Lines of failed calls are
//! limited, because every peer can make calls fail at any rate.

use crate::call_end::{OnEnd, status_code};
use crate::server::callee::Callee;
use crate::server::code;
use crate::server::listen::Peer;
use crate::server::log_limit::LogLimit;
use crate::server::metrics::{MethodMetrics, Metrics};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, Uri};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tonic::body::Body;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use tracing::field::Empty;
use tracing::{Instrument, Span};

/// The metadata key of the request id, in both directions.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest request id that is accepted from a caller, in bytes.
pub const MAX_REQUEST_ID: usize = 128;

/// The longest method name that is logged, in characters: callers choose the names of unknown methods.
const MAX_METHOD: usize = 128;

/// gRPC's own services, health and reflection, which are not traced, and not logged at level info.
const OWN_SERVICES: &str = "/grpc.";

/// A service that logs its calls.
///
/// Each call runs in a span with the id, and with three empty fields, `namespace`, `image` and `digest`, that its
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

impl<S: Callee<B>, B: Send> Callee<B> for Traced<S> {
    async fn answer(&self, mut request: Request<B>) -> Response<Body> {
        let mut id = match request.headers().get(&REQUEST_ID).filter(|id| is_request_id(id)) {
            Some(id) => id.clone(),
            None => new_request_id(),
        };
        request.headers_mut().insert(REQUEST_ID, id.clone());
        let path = request.uri().path();
        let request_id = id.to_str().unwrap_or_default();
        let tracing = self.tracing.filter(|_| !path.starts_with(OWN_SERVICES));
        let span = span(request_id, tracing.is_some());
        if let Some(tracing) = tracing {
            let is_known = self.metrics.as_ref().is_none_or(|metrics| metrics.has_method(path));
            let known = is_known.then(|| path.trim_start_matches('/'));
            (tracing.begin)(&span, request.headers(), known);
        }
        let method = self.metrics.as_ref().map(|metrics| metrics.begun(path));
        let call = Call {
            log: self.log,
            limits: Arc::clone(&self.limits),
            metrics: self.metrics.clone().zip(method),
            tracing,
            uri: request.uri().clone(),
            peer: request.extensions().get().copied(),
            started: Instant::now(),
            span: span.clone(),
        };
        let on_end = OnEnd::new(move |code| call.ended(code));
        let mut response = self.inner.answer(request).instrument(span.clone()).await;
        // HPACK does not add a sensitive value to its table, where one that differs for each call would be of no use.
        id.set_sensitive(true);
        response.headers_mut().insert(REQUEST_ID, id);
        if let Some(reason) = find_reason(response.headers()) {
            span.record("reason", reason);
        }
        on_end.watch(response, span)
    }
}

/// A call that has not ended.
struct Call {
    log: CallLog,
    limits: Arc<Limits>,
    metrics: Option<(Arc<Metrics>, Arc<MethodMetrics>)>,
    tracing: Option<Tracing>,
    uri: Uri,
    peer: Option<Peer>,
    started: Instant,
    span: Span,
}

impl Call {
    /// Counts and logs the end.
    fn ended(self, code: Code) {
        let latency = self.started.elapsed();
        if let Some((metrics, method)) = &self.metrics {
            metrics.ended(method, code, latency);
        }
        if let Some(tracing) = self.tracing {
            (tracing.end)(&self.span, code::names(code).0, is_server_error(code));
        }
        let (log, path) = (self.log, self.uri.path());
        let is_failed = code != Code::Ok;
        let is_info = (log.ok || (log.failed && (is_failed || latency >= log.slow)))
            && !path.starts_with(OWN_SERVICES);
        let limit = if is_refused(code) { &self.limits.refused } else { &self.limits.failed };
        let mut left_out = None;
        if is_info && is_failed {
            let Some(count) = limit.admit() else { return };
            left_out = Some(count).filter(|count| *count > 0);
        }
        // Made only for a line that is logged.
        let method = || path.chars().take(MAX_METHOD).collect::<String>();
        let peer = || self.peer.map(|peer| peer.to_string());
        let latency_us = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        let (code, _) = code::names(code);
        self.span.in_scope(|| {
            if is_info {
                let (method, peer) = (method(), peer());
                tracing::info!(method, code, latency_us, peer, left_out, "call");
            } else {
                tracing::debug!(method = method(), code, latency_us, peer = peer(), "call");
            }
        });
    }
}

/// The span of a call. One that is not traced has another target, by which the traces leave it out.
fn span(request_id: &str, is_traced: bool) -> Span {
    if is_traced {
        tracing::info_span!(
            "call",
            request_id,
            namespace = Empty,
            image = Empty,
            digest = Empty,
            reason = Empty,
            otel.kind = Empty
        )
    } else {
        tracing::info_span!(
            target: "specd::server::trace::untraced",
            "call",
            request_id,
            namespace = Empty,
            image = Empty,
            digest = Empty,
            reason = Empty
        )
    }
}

/// Whether a code is that of a call that was refused before any work.
fn is_refused(code: Code) -> bool {
    matches!(code, Code::Unimplemented | Code::ResourceExhausted)
}

/// The reason of a failure, for example `IMAGE_NOT_FOUND`. It is not looked for in calls that were refused: there are many.
fn find_reason(headers: &HeaderMap) -> Option<String> {
    status_code(headers).filter(|code| *code != Code::Ok && !is_refused(*code))?;
    Some(Status::from_header_map(headers)?.get_details_error_info()?.reason)
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
