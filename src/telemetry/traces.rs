//! Traces: the export of spans, and the propagation of traces from callers and to containerd.
//!
//! A span has the fields of the log line of a call, and the stages of the call as its children.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::KeyValue;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{TraceContextExt, TracerProvider};
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

/// How long an export may take.
const WITHIN: Duration = Duration::from_secs(5);

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
        let exporter = SpanExporter::builder()
            .with_tonic()
            .with_endpoint(endpoint)
            .with_timeout(WITHIN)
            .build()?;
        let resource = Resource::builder()
            .with_service_name(env!("CARGO_PKG_NAME"))
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
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

/// Makes the span of a call a part of the trace in its headers, with the name of the method.
pub fn adopt(span: &Span, headers: &HeaderMap, method: &str) {
    let context = TraceContextPropagator::new().extract(&Incoming(headers));
    // An error means that no layer exports the span.
    if span.set_parent(context).is_ok() {
        span.context().span().update_name(method.trim_start_matches('/').to_owned());
        span.set_attribute("rpc.system.name", "grpc");
    }
}

/// Propagates the trace of the current span in the headers of an outgoing call.
pub fn carry(headers: &mut HeaderMap) {
    TraceContextPropagator::new()
        .inject_context(&Span::current().context(), &mut Outgoing(headers));
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
