//! What is counted and measured, under the names that boards query.
//!
//! The `grpc_server_*` names and the spelling of codes are those of the Go middleware, because that is
//! what existing boards know. Nothing here is labelled by what a caller wrote: a method that is not served
//! is one label value, however many there are.

mod figure;
pub mod http;

pub use figure::{Figure, Kind};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tonic::Code;

/// The label of whatever is not served.
const UNKNOWN: &str = "unknown";

/// A method as labels.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Method {
    grpc_service: String,
    grpc_method: String,
}

impl Method {
    fn new(service: &str, method: &str) -> Self {
        Self { grpc_service: service.to_owned(), grpc_method: method.to_owned() }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Handled {
    grpc_service: String,
    grpc_method: String,
    grpc_code: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Stage {
    stage: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Upstream {
    method: String,
    code: &'static str,
}

/// Everything that is counted and measured.
#[derive(Debug)]
pub struct Metrics {
    registry: Mutex<Registry>,
    methods: HashMap<String, Method>,
    unknown: Method,
    started: Family<Method, Counter>,
    handled: Family<Handled, Counter>,
    seconds: Family<Method, Histogram, fn() -> Histogram>,
    stages: Family<Stage, Histogram, fn() -> Histogram>,
    upstream: Family<Upstream, Counter>,
    pub(super) in_flight: Gauge,
    pub(super) shed: Counter,
    connections: Gauge,
    pub(super) accept_errors: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new([], [])
    }
}

/// From 50 us to a minute and a half, each bound twice the one before.
fn histogram() -> Histogram {
    Histogram::new(exponential_buckets(50e-6, 2.0, 22))
}

impl Metrics {
    /// Nothing counted yet, of a server with these methods, as `package.Service/Method`.
    pub fn new<'a>(
        methods: impl IntoIterator<Item = &'a str>,
        build: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Self {
        let mut registry = Registry::default();
        let metrics = Self {
            methods: methods
                .into_iter()
                .filter_map(|path| {
                    let (service, method) = path.split_once('/')?;
                    Some((format!("/{path}"), Method::new(service, method)))
                })
                .collect(),
            unknown: Method::new(UNKNOWN, UNKNOWN),
            started: Family::default(),
            handled: Family::default(),
            seconds: Family::new_with_constructor(histogram),
            stages: Family::new_with_constructor(histogram),
            upstream: Family::default(),
            in_flight: Gauge::default(),
            shed: Counter::default(),
            connections: Gauge::default(),
            accept_errors: Counter::default(),
            registry: Mutex::default(),
        };
        let m = &metrics;
        let r = &mut registry;
        r.register("grpc_server_started", "Calls that have begun", m.started.clone());
        r.register("grpc_server_handled", "Calls that are over, by code", m.handled.clone());
        r.register("grpc_server_handling_seconds", "How long calls took", m.seconds.clone());
        r.register("specd_stage_seconds", "How long the stages of calls took", m.stages.clone());
        r.register("specd_containerd_calls", "Calls to containerd, by code", m.upstream.clone());
        r.register("specd_in_flight", "Calls that run and hold a place", m.in_flight.clone());
        r.register("specd_shed", "Calls that were turned away", m.shed.clone());
        r.register("specd_connections", "Connections that are open", m.connections.clone());
        r.register("specd_accept_errors", "Failures to accept", m.accept_errors.clone());
        let build: Vec<(&'static str, String)> = build.into_iter().collect();
        r.register("specd_build", "What runs", Info::new(build));
        // A board shows a rate from the first call on only where there was a zero before it.
        for method in m.methods.values().chain([&m.unknown]) {
            drop(m.started.get_or_create(method));
            drop(m.handled.get_or_create(&handled(method, Code::Ok)));
            drop(m.seconds.get_or_create(method));
        }
        Self { registry: Mutex::new(registry), ..metrics }
    }

    /// Adds what is read anew for each answer.
    pub fn add(&self, figure: Figure) {
        let mut registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        registry.register_collector(Box::new(figure));
    }

    /// A stage of a call is over.
    pub fn stage(&self, stage: &'static str, took: Duration) {
        self.stages.get_or_create(&Stage { stage }).observe(took.as_secs_f64());
    }

    /// A call to containerd is over.
    pub fn containerd_call(&self, method: &str, code: Code) {
        let labels = Upstream { method: method.to_owned(), code: code_label(code) };
        self.upstream.get_or_create(&labels).inc();
    }

    /// A connection is open until what is returned is dropped.
    pub(super) fn open_connection(&self) -> impl Drop + use<> {
        self.connections.inc();
        Open(self.connections.clone())
    }

    /// A call begins; its method as labels.
    pub(super) fn begun(&self, path: &str) -> Method {
        let method = self.methods.get(path).unwrap_or(&self.unknown);
        self.started.get_or_create(method).inc();
        method.clone()
    }

    /// A call is over.
    pub(super) fn ended(&self, method: &Method, code: Code, took: Duration) {
        self.handled.get_or_create(&handled(method, code)).inc();
        self.seconds.get_or_create(method).observe(took.as_secs_f64());
    }

    /// All of it, as `OpenMetrics` text.
    ///
    /// # Errors
    ///
    /// If something cannot be written down, which is a defect.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry)?;
        Ok(text)
    }
}

struct Open(Gauge);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn handled(method: &Method, code: Code) -> Handled {
    let Method { grpc_service, grpc_method } = method.clone();
    Handled { grpc_service, grpc_method, grpc_code: code_label(code) }
}

/// A code as Go spells it.
fn code_label(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "Canceled",
        Code::Unknown => "Unknown",
        Code::InvalidArgument => "InvalidArgument",
        Code::DeadlineExceeded => "DeadlineExceeded",
        Code::NotFound => "NotFound",
        Code::AlreadyExists => "AlreadyExists",
        Code::PermissionDenied => "PermissionDenied",
        Code::ResourceExhausted => "ResourceExhausted",
        Code::FailedPrecondition => "FailedPrecondition",
        Code::Aborted => "Aborted",
        Code::OutOfRange => "OutOfRange",
        Code::Unimplemented => "Unimplemented",
        Code::Internal => "Internal",
        Code::Unavailable => "Unavailable",
        Code::DataLoss => "DataLoss",
        Code::Unauthenticated => "Unauthenticated",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_method_is_one_label_value() {
        let metrics = Metrics::new(["a.v1.B/C"], [("version", "1".to_owned())]);
        for path in ["/a.v1.B/C", "/x/y", "/x/z", "", "no slash"] {
            let method = metrics.begun(path);
            metrics.ended(&method, Code::NotFound, Duration::from_millis(1));
        }
        let text = metrics.text().unwrap();
        for line in [
            "grpc_server_started_total{grpc_service=\"a.v1.B\",grpc_method=\"C\"} 1",
            "grpc_server_started_total{grpc_service=\"unknown\",grpc_method=\"unknown\"} 4",
            "grpc_server_handled_total{grpc_service=\"a.v1.B\",grpc_method=\"C\",grpc_code=\"NotFound\"} 1",
            "grpc_server_handled_total{grpc_service=\"a.v1.B\",grpc_method=\"C\",grpc_code=\"OK\"} 0",
            "specd_build_info{version=\"1\"} 1",
            "# EOF",
        ] {
            assert!(text.lines().any(|l| l == line), "{line}\n{text}");
        }
        assert!(
            text.contains("grpc_server_handling_seconds_bucket{le=\"0.00005\"")
                || text.contains("le=\"5e-5\""),
            "{text}"
        );
    }
}
