//! What is measured, tied to where it happens: each part tells through a small trait of its own, and knows
//! nothing of metrics.

use crate::app::profiles::Reload;
use crate::generate::stage::{self, Stage};
use crate::image::cache::CacheCounts;
use crate::pb::health;
use crate::pb::specd::DESCRIPTORS;
use crate::server::health::Health;
use crate::server::metrics::{Figure, Kind, Metrics};
use crate::server::tls::Tls;
use crate::store::containerd;
use crate::telemetry::traces;
use http::HeaderMap;
use prost::Message;
use prost_types::FileDescriptorSet;
use std::sync::Arc;
use std::time::Duration;
use tonic::Code;

/// The metrics of this build, with every method that it serves.
pub(super) fn metrics() -> Arc<Metrics> {
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

/// The methods in a set of descriptors, as `package.Service/Method`.
fn methods(set: &[u8]) -> Vec<String> {
    // The sets are part of the build; one that does not decode has no methods, and calls are unknown.
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

type Read = fn(&CacheCounts) -> u64;

/// Adds the counts of the caches.
pub(super) fn caches(metrics: &Metrics, counts: &[(&'static str, Arc<CacheCounts>)]) {
    let figures: [(_, _, _, Read); 4] = [
        ("specd_cache_hits", "Answers found in a cache", Kind::Counter, CacheCounts::hits),
        (
            "specd_cache_misses",
            "Reads that a cache had to begin",
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
        let figure =
            counts.iter().fold(Figure::new(name, help, kind), |figure, (cache, counts)| {
                let counts = Arc::clone(counts);
                figure.with(&[("cache", cache)], move || read(&counts))
            });
        metrics.add(figure);
    }
}

/// Adds whether the source answers.
pub(super) fn source(metrics: &Metrics, health: Health) {
    let help = "Whether the image source answered when last asked";
    metrics.add(
        Figure::new("specd_source_up", help, Kind::Gauge)
            .with(&[], move || u64::from(health.is_ready())),
    );
}

/// Adds how often certificates were found broken while the server ran.
pub(super) fn tls(metrics: &Metrics, tls: Option<Tls>) {
    let help = "Certificates that were changed and could not be taken";
    metrics.add(
        Figure::new("specd_tls_reload_failures", help, Kind::Counter)
            .with(&[], move || tls.as_ref().map_or(0, Tls::reload_failures)),
    );
}

/// Adds how often profiles were found broken while the server ran.
pub(super) fn profiles(metrics: &Metrics, profiles: Reload) {
    let help = "Profiles that were read again and could not be taken";
    metrics.add(
        Figure::new("specd_profiles_reload_failures", help, Kind::Counter)
            .with(&[], move || profiles.failures()),
    );
}

/// Tells the metrics of stages and of calls to containerd, and these of the trace that they belong to.
pub(super) struct Tell(pub(super) Arc<Metrics>);

impl stage::Observer for Tell {
    fn took(&self, stage: Stage, time: Duration) {
        self.0.stage(stage.name(), time);
    }
}

impl containerd::Observer for Tell {
    fn begins(&self, headers: &mut HeaderMap) {
        traces::carry(headers);
    }

    fn ended(&self, method: &str, code: Code) {
        self.0.containerd_call(method, code);
    }
}
