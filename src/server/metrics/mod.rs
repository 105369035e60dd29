//! The metrics of the server.
//!
//! The `grpc_server_*` names and the names of codes are those of the Go middleware, which existing dashboards
//! use. No label has a value that a caller chose: all unknown methods share one label value.

mod figure;
pub mod http;

pub use figure::{Figure, Kind};

use crate::server::code;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tonic::Code;

/// The label of unknown methods.
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

/// The metrics of one method, held so that a call need not search for them.
#[derive(Debug)]
pub(super) struct MethodMetrics {
    method: Method,
    started: Counter,
    /// The calls that ended with `OK`.
    ok: Counter,
    seconds: Histogram,
}

/// The metrics of the server.
#[derive(Debug)]
pub struct Metrics {
    registry: Mutex<Registry>,
    methods: HashMap<String, Arc<MethodMetrics>>,
    unknown: Arc<MethodMetrics>,
    handled: Family<Handled, Counter>,
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

/// Buckets from 50 us to 105 s, each twice as large as the one before.
fn histogram() -> Histogram {
    Histogram::new(exponential_buckets(50e-6, 2.0, 22))
}

impl Metrics {
    /// Metrics of a server with these methods, each as `package.Service/Method`.
    pub fn new<'a>(
        methods: impl IntoIterator<Item = &'a str>,
        build: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Self {
        let mut registry = Registry::default();
        let started = Family::<Method, Counter>::default();
        let handled_calls = Family::<Handled, Counter>::default();
        let seconds: Family<Method, Histogram, fn() -> Histogram> =
            Family::new_with_constructor(histogram);
        // A rate includes the first call only if there was a zero before it.
        let of_method = |method: Method| {
            Arc::new(MethodMetrics {
                started: started.get_or_create_owned(&method),
                ok: handled_calls.get_or_create_owned(&handled(&method, Code::Ok)),
                seconds: seconds.get_or_create_owned(&method),
                method,
            })
        };
        let metrics = Self {
            methods: methods
                .into_iter()
                .filter_map(|path| {
                    let (service, method) = path.split_once('/')?;
                    Some((format!("/{path}"), of_method(Method::new(service, method))))
                })
                .collect(),
            unknown: of_method(Method::new(UNKNOWN, UNKNOWN)),
            handled: handled_calls.clone(),
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
        r.register("grpc_server_started", "Calls that have started", started);
        r.register("grpc_server_handled", "Calls that have ended, by code", handled_calls);
        r.register("grpc_server_handling_seconds", "How long calls took", seconds);
        r.register("specd_stage_seconds", "How long the stages of calls took", m.stages.clone());
        r.register("specd_containerd_calls", "Calls to containerd, by code", m.upstream.clone());
        r.register(
            "specd_in_flight",
            "Calls in flight that count towards the limit",
            m.in_flight.clone(),
        );
        r.register("specd_shed", "Calls that were refused at the limit", m.shed.clone());
        r.register("specd_connections", "Open connections", m.connections.clone());
        r.register("specd_accept_errors", "Errors of accept", m.accept_errors.clone());
        let build: Vec<(&'static str, String)> = build.into_iter().collect();
        r.register("specd_build", "The build of the server", Info::new(build));
        Self { registry: Mutex::new(registry), ..metrics }
    }

    /// Adds a metric that is read at each scrape.
    pub fn add(&self, figure: Figure) {
        let mut registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        registry.register_collector(Box::new(figure));
    }

    /// Records the end of a stage of a call.
    pub fn stage(&self, stage: &'static str, took: Duration) {
        self.stages.get_or_create(&Stage { stage }).observe(took.as_secs_f64());
    }

    /// Records the end of a call to containerd.
    pub fn containerd_call(&self, method: &str, code: Code) {
        let labels = Upstream { method: method.to_owned(), code: code::names(code).1 };
        self.upstream.get_or_create(&labels).inc();
    }

    /// Counts a connection as open until the returned value is dropped.
    pub(super) fn open_connection(&self) -> impl Drop + use<> {
        self.connections.inc();
        Open(self.connections.clone())
    }

    /// Whether the server has a method, by its path.
    pub(super) fn has_method(&self, path: &str) -> bool {
        self.methods.contains_key(path)
    }

    /// Records the start of a call, and returns the metrics of its method.
    pub(super) fn begun(&self, path: &str) -> Arc<MethodMetrics> {
        let of_method = self.methods.get(path).unwrap_or(&self.unknown);
        of_method.started.inc();
        Arc::clone(of_method)
    }

    /// Records the end of a call.
    pub(super) fn ended(&self, of_method: &MethodMetrics, code: Code, took: Duration) {
        let MethodMetrics { method, ok, seconds, .. } = of_method;
        if code == Code::Ok {
            ok.inc();
        } else {
            self.handled.get_or_create(&handled(method, code)).inc();
        }
        seconds.observe(took.as_secs_f64());
    }

    /// All metrics as `OpenMetrics` text.
    ///
    /// # Errors
    ///
    /// If a metric cannot be encoded, which is a defect.
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
    Handled { grpc_service, grpc_method, grpc_code: code::names(code).1 }
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
