//! Traces: the export of spans, and the propagation of traces from callers and to containerd.
//!
//! Calls have spans by OpenTelemetry's conventions for gRPC: SERVER for those of clients, CLIENT for those to containerd. The
//! span of a client's call also has the fields of its log line, and the stages of the call as its children.
//!
//! OpenTelemetry's own environment variables are read by its library.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{Status, TraceContextExt, TracerProvider};
use opentelemetry::{Key, KeyValue};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use std::time::Duration;
use tracing::level_filters::LevelFilter;
use tracing::{Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::registry::LookupSpan;

/// The target of calls that have no span: those of probes and of reflection.
const UNTRACED: &str = "specd::server::trace::untraced";

/// How long the export of the last spans may take.
const LAST_WITHIN: Duration = Duration::from_secs(2);

/// The export of spans.
#[derive(Debug, Clone)]
pub struct Traces {
    provider: SdkTracerProvider,
}

impl Traces {
    /// Sends spans to a collector, in OTLP over gRPC. The collector need not be running.
    ///
    /// Call it within a tokio runtime, which drives the connection.
    ///
    /// # Errors
    ///
    /// If the endpoint is invalid.
    pub fn to(endpoint: &str) -> Result<Self, ExporterBuildError> {
        let exporter = SpanExporter::builder().with_tonic().with_endpoint(endpoint).build()?;
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let resource = Resource::builder().with_attribute(version);
        let resource =
            if is_named() { resource } else { resource.with_service_name(env!("CARGO_PKG_NAME")) };
        let resource = resource.build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource)
            .build();
        Ok(Self { provider })
    }

    /// The layer that exports calls and their stages.
    pub(super) fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        let spans = Targets::new()
            .with_target("specd", LevelFilter::INFO)
            .with_target(UNTRACED, LevelFilter::OFF)
            .with_target("specd::generate", LevelFilter::DEBUG);
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer("specd"))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_filter(spans)
    }

    /// Sends all spans that have ended. It blocks.
    pub fn flush(&self) {
        if let Err(error) = self.provider.force_flush() {
            tracing::debug!(%error, "spans were not sent");
        }
    }

    /// Sends the last spans. It blocks, for two seconds at most.
    pub fn finish(&self) {
        // A missing collector must not make the exit a failure.
        if let Err(error) = self.provider.shutdown_with_timeout(LAST_WITHIN) {
            tracing::debug!(%error, "the last spans were not sent");
        }
    }
}

/// Whether the environment names this service.
fn is_named() -> bool {
    let name = Resource::builder().build().get(&Key::from_static_str("service.name"));
    name.is_some_and(|name| !name.as_str().starts_with("unknown_service"))
}

/// Makes the span of a client's call a part of the trace in its headers. The name of a method is absent if the server does not
/// have it: clients choose such names.
pub fn begin_call(span: &Span, headers: &HeaderMap, method: Option<&str>) {
    span.record("otel.kind", "server");
    let context = TraceContextPropagator::new().extract(&Incoming(headers));
    // An error means that no layer exports the span.
    if span.set_parent(context).is_ok() {
        span.set_attribute("rpc.system.name", "grpc");
        span.set_attribute("rpc.method", method.unwrap_or("_OTHER").to_owned());
        span.context().span().update_name(method.unwrap_or("grpc").to_owned());
    }
}

/// A span for a call to containerd, at a socket. The call is a part of its trace. A call that no client has caused gets
/// no span.
pub fn begin_call_to(socket: &str, method: &str, headers: &mut HeaderMap) -> Span {
    if !Span::current().context().span().span_context().is_valid() {
        return Span::none();
    }
    let span = tracing::info_span!("containerd", otel.kind = "client", otel.name = method);
    span.set_attribute("rpc.system.name", "grpc");
    span.set_attribute("rpc.method", method.to_owned());
    span.set_attribute("server.address", socket.to_owned());
    span.set_attribute("network.transport", "unix");
    TraceContextPropagator::new().inject_context(&span.context(), &mut Outgoing(headers));
    span
}

/// Records the status code that a call ended with, and whether it is an error.
pub fn end_call(span: &Span, code: &'static str, is_error: bool) {
    span.set_attribute("rpc.response.status_code", code);
    if is_error {
        span.set_attribute("error.type", code);
        span.set_status(Status::error(""));
    }
}

struct Incoming<'a>(&'a HeaderMap);

impl Extractor for Incoming<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

struct Outgoing<'a>(&'a mut HeaderMap);

impl Injector for Outgoing<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(key), Ok(value)) = (HeaderName::try_from(key), HeaderValue::try_from(value)) {
            self.0.insert(key, value);
        }
    }
}
