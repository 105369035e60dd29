//! The composition root: from a configuration to a server that runs, or to a service in this process.

mod observe;

use crate::config::limits::Limits;
use crate::config::{Config, SnapshotConfig, Source, SourceConfig};
use crate::domain::host_facts::HostFacts;
use crate::generate::Generator;
use crate::host;
use crate::image::memo::Memo;
use crate::image::reader::ImageReader;
use crate::image::snapshot_reader::{SnapshotReader, SnapshotRules};
use crate::image::source::ImageSource;
use crate::image::source_reader::SourceReader;
use crate::image::tally::Tally;
use crate::pb::specd::{DESCRIPTORS, SERVICE, SpecServiceServer};
use crate::rpc::{Service, status};
use crate::server::call_limits::CallLimits;
use crate::server::health::{Health, Probe};
use crate::server::lifetime::Lifetime;
use crate::server::listen::{AddressError, BindError, BindOptions, ListenAddress, Listener};
use crate::server::metrics::http::expose;
use crate::server::reflection;
use crate::server::serve::{ServeConfig, ServeError, serve};
use crate::server::shutdown::Shutdown;
use crate::server::trace::Adopt;
use crate::source::containerd::{self, Containerd};
use crate::source::oci_layout::{LayoutError, OciLayout};
use crate::spec::{Profiles, SpecError};
use crate::telemetry::traces;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tonic::service::Routes;

/// Why the server did not start, or broke off.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The layout directory is none.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// A profile is none.
    #[error(transparent)]
    Profile(#[from] SpecError),
    /// An address is none.
    #[error("--listen: {0}")]
    Address(#[from] AddressError),
    /// The address for metrics is none.
    #[error("--metrics-listen: {0}")]
    MetricsAddress(AddressError),
    /// An address cannot be listened on.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The descriptors of the API are broken. A defect.
    #[error("reflection: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// The accept loop broke off.
    #[error(transparent)]
    Serve(#[from] ServeError),
}

/// The source that a configuration names.
///
/// # Errors
///
/// [`LayoutError`] where the layout directory is none. containerd need not be there yet.
pub fn open_source(config: &SourceConfig) -> Result<Arc<dyn ImageSource>, LayoutError> {
    open_watched(config, Arc::new(()))
}

fn open_watched(
    config: &SourceConfig,
    observer: Arc<dyn containerd::Observer>,
) -> Result<Arc<dyn ImageSource>, LayoutError> {
    Ok(match &config.source {
        Source::Containerd(socket) => Arc::new(Containerd::new(socket).observed_by(observer)),
        Source::OciLayout(directory) => Arc::new(OciLayout::open(directory)?),
    })
}

type Tallies = [(&'static str, Arc<Tally>); 2];

/// A generator over a source, and the counts of what its reader remembers.
fn generator(
    source: &Arc<dyn ImageSource>,
    config: &SourceConfig,
    profiles: Profiles,
    cache_bytes: u64,
    observer: Arc<dyn containerd::Observer>,
) -> (Generator, Tallies) {
    let layers = SourceReader::new(Arc::clone(source));
    let (reader, tallies) = match (&config.source, &config.snapshots) {
        (Source::Containerd(socket), Some(snapshots)) => {
            remembered(beside(layers, socket, snapshots, observer), cache_bytes)
        }
        (Source::Containerd(_), None) | (Source::OciLayout(_), _) => {
            remembered(layers, cache_bytes)
        }
    };
    let (source, profiles) = (Arc::clone(source), Arc::new(profiles));
    let (node, facts) = (config.platform.clone(), facts(config));
    (Generator::new(source, reader, profiles, node, facts), tallies)
}

fn remembered<R: ImageReader>(reader: R, bytes: u64) -> (Arc<dyn ImageReader>, Tallies) {
    let memo = Memo::new(reader, bytes);
    let tallies = memo.tallies();
    (Arc::new(memo), tallies)
}

/// A service over a source, whose reader remembers at most `cache_bytes`.
#[must_use]
pub fn service(
    source: &Arc<dyn ImageSource>,
    config: &SourceConfig,
    profiles: Profiles,
    cache_bytes: u64,
    call_timeout: Duration,
) -> Service {
    let (generator, _) = generator(source, config, profiles, cache_bytes, Arc::new(()));
    Service::new(generator, call_timeout)
}

/// The limits of the transport, and what those are told who meet them.
fn transport(limits: &Limits) -> ServeConfig {
    ServeConfig {
        connections: limits.connections,
        streams: limits.streams,
        header_list_bytes: limits.header_bytes,
        keepalive_every: limits.keepalive_interval,
        keepalive_timeout: limits.keepalive_timeout,
        calls: CallLimits {
            in_flight: limits.in_flight,
            overloaded: status::overloaded(),
            too_large: status::message_too_large("request", limits.request_bytes),
        },
        lifetime: Lifetime {
            handshake_timeout: limits.handshake_timeout,
            age: limits.connection_age,
            drain_timeout: limits.drain_timeout,
        },
        drain_timeout: limits.drain_timeout,
        metrics: Arc::default(),
        adopt: None,
        mend_authority: true,
    }
}

/// The same reader, and containerd's snapshots beside it.
fn beside(
    layers: SourceReader,
    socket: &Path,
    config: &SnapshotConfig,
    observer: Arc<dyn containerd::Observer>,
) -> SnapshotReader<SourceReader> {
    let SnapshotConfig { root, snapshotter, timeout } = config.clone();
    // A connection of its own, which is only dialled where a snapshot is read.
    let snapshots = Containerd::new(socket).observed_by(observer).with_lease(timeout * 2);
    let rules = SnapshotRules { root, snapshotter, timeout };
    SnapshotReader::new(layers, Arc::new(snapshots), rules)
}

/// The facts of the host: this machine's, but for those that are stated.
fn facts(config: &SourceConfig) -> HostFacts {
    let here = host::read();
    let cpus = config.thermal_throttle_cpus.clone();
    HostFacts {
        thermal_throttle_cpus: cpus.unwrap_or(here.thermal_throttle_cpus),
        kernel: config.kernel.unwrap_or(here.kernel),
    }
}

/// A server that is bound and not yet serving.
pub struct App {
    listeners: Vec<Listener>,
    metrics_listener: Option<Listener>,
    routes: Routes,
    health: Health,
    source: Arc<dyn ImageSource>,
    config: ServeConfig,
}

impl App {
    /// Opens the source and binds every address.
    ///
    /// # Errors
    ///
    /// An [`AppError`]; what was bound before it is released.
    pub async fn bind(config: &Config) -> Result<Self, AppError> {
        let profiles = Profiles::built_in(&config.default_profile)?;
        let metrics = observe::metrics();
        let tell = Arc::new(observe::Tell(Arc::clone(&metrics)));
        let source = open_watched(&config.source, tell.clone())?;
        let limits = &config.limits;
        let (generator, tallies) =
            generator(&source, &config.source, profiles, config.cache_bytes, tell.clone());
        observe::caches(&metrics, &tallies);
        let service = Service::new(generator.observed_by(tell), limits.call_timeout)
            .with_answers_of(limits.response_bytes);
        let spec = SpecServiceServer::new(service)
            .max_decoding_message_size(limits.request_bytes)
            .max_encoding_message_size(limits.response_bytes);
        let health = Health::new(SERVICE);
        observe::source(&metrics, health.clone());
        let routes = Routes::new(spec).add_service(health.server());
        let routes = reflection::add(routes, &[DESCRIPTORS])?;

        let options = BindOptions { insecure_tcp: config.insecure_tcp, ..BindOptions::default() };
        let mut listeners = Vec::new();
        for text in &config.listen {
            let address: ListenAddress = text.parse()?;
            listeners.push(Listener::bind(&address, &options).await?);
        }
        let metrics_listener = match &config.metrics_listen {
            Some(text) => {
                let address = text.parse().map_err(AppError::MetricsAddress)?;
                Some(Listener::bind(&address, &options).await?)
            }
            None => None,
        };
        let config = ServeConfig {
            metrics,
            mend_authority: config.mend_authority,
            adopt: config.otlp_endpoint.is_some().then_some(traces::adopt as Adopt),
            ..transport(limits)
        };
        Ok(Self { listeners, metrics_listener, routes, health, source, config })
    }

    /// The addresses that are listened on, with the ports that were chosen.
    pub fn addresses(&self) -> impl Iterator<Item = &ListenAddress> {
        self.listeners.iter().map(Listener::address)
    }

    /// The address where metrics are asked for, with the port that was chosen.
    pub fn metrics_address(&self) -> Option<&ListenAddress> {
        self.metrics_listener.as_ref().map(Listener::address)
    }

    /// Serves until the shutdown is asked for, then drains.
    ///
    /// # Errors
    ///
    /// [`ServeError`], which only a defect gives.
    pub async fn run_until(self, shutdown: Shutdown) -> Result<(), AppError> {
        let follower = {
            let (health, source) = (self.health.clone(), Arc::clone(&self.source));
            tokio::spawn(async move { health.follow(source, Probe::default()).await })
        };
        // They are there to the end: how the server drains is worth knowing.
        let exposing = self
            .metrics_listener
            .map(|listener| tokio::spawn(expose(listener, Arc::clone(&self.config.metrics))));
        let served = serve(self.listeners, self.routes, self.health, self.config, shutdown).await;
        follower.abort();
        if let Some(exposing) = exposing {
            exposing.abort();
            // Its socket's file is removed when the task is gone.
            let _ = exposing.await;
        }
        Ok(served?)
    }
}
