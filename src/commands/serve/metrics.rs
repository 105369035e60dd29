//! The metrics of the server, and the observers that report to them. The observed parts know nothing of
//! metrics.

use crate::api::pb::health;
use crate::api::pb::specd::DESCRIPTORS;
use crate::generate::stage::{self, Stage};
use crate::image::cache::CacheCounts;
use crate::server::code;
use crate::server::metrics::{Figure, Kind, Metrics};
use crate::store::containerd;
use crate::telemetry::traces;
use http::HeaderMap;
use prost::Message;
use prost_types::FileDescriptorSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tonic::Code;
use tracing::Span;

/// The metrics of this build, with every method that it serves.
pub(super) fn new() -> Arc<Metrics> {
    let methods: Vec<String> = [
        DESCRIPTORS,
        health::DESCRIPTORS,
        tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
    ]
    .iter()
    .flat_map(|set| methods(set))
    .collect();
    let build = [
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
        ("arch", std::env::consts::ARCH.to_owned()),
        ("profile", if cfg!(debug_assertions) { "debug" } else { "release" }.to_owned()),
    ];
    Arc::new(Metrics::new(methods.iter().map(String::as_str), build))
}

/// The methods in a set of descriptors, in the form `package.Service/Method`.
fn methods(set: &[u8]) -> Vec<String> {
    // The sets are part of the build. If one did not decode, its methods would be counted as unknown.
    let files = FileDescriptorSet::decode(set).map(|set| set.file).unwrap_or_default();
    let mut paths = Vec::new();
    for file in &files {
        for service in &file.service {
            for method in &service.method {
                paths.push(format!("{}.{}/{}", file.package(), service.name(), method.name()));
            }
        }
    }
    paths
}

/// Adds the counters of the caches.
pub(super) fn add_caches(metrics: &Metrics, counts: &[(&'static str, Arc<CacheCounts>)]) {
    type Read = fn(&CacheCounts) -> u64;
    let figures: [(_, _, _, Read); 4] = [
        ("specd_cache_hits", "Answers found in a cache", Kind::Counter, CacheCounts::hits),
        (
            "specd_cache_misses",
            "Reads that a cache had to start",
            Kind::Counter,
            CacheCounts::misses,
        ),
        (
            "specd_cache_evictions",
            "Entries dropped to make room",
            Kind::Counter,
            CacheCounts::evictions,
        ),
        ("specd_cache_bytes", "Bytes that a cache holds", Kind::Gauge, CacheCounts::bytes),
    ];
    for (name, help, kind, read) in figures {
        let mut figure = Figure::new(name, help, kind);
        for (cache, tally) in counts {
            let tally = Arc::clone(tally);
            figure = figure.with(&[("cache", cache)], move || read(&tally));
        }
        metrics.add(figure);
    }
}

/// Adds a metric with one series.
pub(super) fn add(
    metrics: &Metrics,
    name: &'static str,
    help: &'static str,
    kind: Kind,
    read: impl Fn() -> u64 + Send + Sync + 'static,
) {
    metrics.add(Figure::new(name, help, kind).with(&[], read));
}

/// Reports stages and calls to containerd to the metrics, and propagates traces to containerd.
pub(super) struct Observer(pub(super) Arc<Metrics>);

impl stage::Observer for Observer {
    fn took(&self, stage: Stage, time: Duration) {
        self.0.stage(stage.name(), time);
    }
}

impl containerd::Observer for Observer {
    fn begins(&self, socket: &Path, method: &str, headers: &mut HeaderMap) -> Span {
        traces::begin_call_to(&socket.to_string_lossy(), method, headers)
    }

    fn ended(&self, method: &str, code: Code, span: &Span) {
        self.0.containerd_call(method, code);
        traces::end_call(span, code::names(code).0, code != Code::Ok);
    }
}
