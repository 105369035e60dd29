//! Traces: where spans are sent, and how a trace comes in with a call and goes out with its own calls.
//!
//! What a span holds is what the log line of a call holds, and the stages of the call within it.

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

/// How long a collector may take.
const WITHIN: Duration = Duration::from_secs(5);

/// How long the last spans may take to be sent at the end.
const LAST_WITHIN: Duration = Duration::from_secs(2);

/// Where spans are sent.
#[derive(Debug, Clone)]
pub struct Traces {
    provider: SdkTracerProvider,
}

impl Traces {
    /// Sends spans to a collector, in OTLP over gRPC. It need not be there.
    ///
    /// To be called within a tokio runtime, which drives the connection.
    ///
    /// # Errors
    ///
    /// If the endpoint is none.
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

    /// What makes spans of those that the program has: calls, and their stages.
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

    /// Sends what is there now. It blocks.
    pub fn flush(&self) {
        if let Err(error) = self.provider.force_flush() {
            tracing::debug!(%error, "spans were not sent");
        }
    }

    /// Sends what is left. It blocks, for two seconds at most.
    pub fn finish(&self) {
        // A collector that is not there must not make the exit a failure.
        if let Err(error) = self.provider.shutdown_with_timeout(LAST_WITHIN) {
            tracing::debug!(%error, "the last spans were not sent");
        }
    }
}

/// Puts a call's span into the trace that its headers name, under the method's name.
pub fn adopt(span: &Span, headers: &HeaderMap, method: &str) {
    let context = TraceContextPropagator::new().extract(&Incoming(headers));
    // An error says that no layer makes spans of it.
    if span.set_parent(context).is_ok() {
        span.context().span().update_name(method.trim_start_matches('/').to_owned());
        span.set_attribute("rpc.system.name", "grpc");
    }
}

/// Names the trace of the span that is entered in the headers of a call to somebody else.
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
