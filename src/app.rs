//! The composition root: from a configuration to a server that runs, or to a service in this process.

mod listeners;
mod machine;
mod observe;
mod probes;
pub mod profiles;
mod transport;

pub use listeners::ListenError;

use crate::config::{Config, SnapshotConfig, Source, SourceConfig};
use crate::generate::Generator;
use crate::generate::catalog::Catalog;
use crate::host::stated::FactsError;
use crate::image::cache::CacheCounts;
use crate::image::cache::CachedReader;
use crate::image::snapshot::{SnapshotFallback, SnapshotFiles, SnapshotRules};
use crate::image::{ImageReader, StoreReader};
use crate::pb::specd::{DESCRIPTORS, SERVICE, SpecServiceServer};
use crate::rpc::Service;
use crate::server::activation::Activation;
use crate::server::health::{Health, Probe};
use crate::server::listen::{AddressError, ListenAddress, Listener};
use crate::server::metrics::http::expose;
use crate::server::notify;
use crate::server::reflection;
use crate::server::serve::{ServeConfig, ServeError, serve};
use crate::server::shutdown::Shutdown;
use crate::server::tls::Tls;
use crate::server::trace::Adopt;
use crate::store::ImageStore;
use crate::store::containerd::{self, Containerd};
use crate::store::oci_layout::{LayoutError, OciLayout};
use crate::telemetry::traces;
use listeners::Bound;
use probes::Probes;
use profiles::{LoadError, Reload};
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tonic::service::Routes;

/// How often certificates are looked at. A change takes two looks.
const TLS_RELOAD: Duration = Duration::from_secs(2);

/// Why the server did not start, or broke off.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The layout directory is none.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// There are no profiles.
    #[error("--{flag}: {0}", flag = .0.flag())]
    Profiles(#[from] LoadError),
    /// The file of facts is none.
    #[error(transparent)]
    Facts(#[from] FactsError),
    /// The address for metrics is none.
    #[error("--metrics-listen: {0}")]
    MetricsAddress(AddressError),
    /// An address is none, or cannot be listened on.
    #[error(transparent)]
    Listen(#[from] ListenError),
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
pub fn open_source(config: &SourceConfig) -> Result<Arc<dyn ImageStore>, LayoutError> {
    open_watched(config, Arc::new(()))
}

fn open_watched(
    config: &SourceConfig,
    observer: Arc<dyn containerd::Observer>,
) -> Result<Arc<dyn ImageStore>, LayoutError> {
    Ok(match &config.source {
        Source::Containerd(socket) => Arc::new(Containerd::new(socket).observed_by(observer)),
        Source::OciLayout(directory) => Arc::new(OciLayout::open(directory)?),
    })
}

/// A generator over a source, and the counts of what its reader remembers.
fn generator(
    source: &Arc<dyn ImageStore>,
    config: &SourceConfig,
    profiles: Catalog,
    cache_bytes: u64,
    observer: Arc<dyn containerd::Observer>,
) -> Result<(Generator, Counts), FactsError> {
    let layers = StoreReader::new(Arc::clone(source));
    let snapshots = match (&config.source, &config.snapshots) {
        (Source::Containerd(socket), Some(snapshots)) => Some(snapshot_files(socket, snapshots)),
        (Source::Containerd(_), None) | (Source::OciLayout(_), _) => None,
    };
    let (reader, counts) = match &snapshots {
        Some(files) => remembering(SnapshotFallback::new(layers, Arc::clone(files)), cache_bytes),
        None => remembering(layers, cache_bytes),
    };
    let source = Arc::clone(source);
    let (facts, machine) = machine::of(&config.host)?;
    let generator = Generator::new(source, reader, profiles, config.platform.clone(), facts);
    let generator = generator.on(machine);
    let generator = match &config.source {
        // A connection of its own, which is only dialled where an exec is asked for.
        Source::Containerd(socket) => {
            let containers = Containerd::new(socket).observed_by(observer);
            generator.with_containers(Arc::new(containers), snapshots)
        }
        Source::OciLayout(_) => generator,
    };
    Ok((generator, counts))
}

/// A service over a source, whose reader remembers at most `cache_bytes`.
///
/// # Errors
///
/// [`FactsError`] where the file of `--host-facts` is none.
pub fn service(
    source: &Arc<dyn ImageStore>,
    config: &SourceConfig,
    profiles: impl Into<Catalog>,
    cache_bytes: u64,
    call_timeout: Duration,
) -> Result<Service, FactsError> {
    let profiles = profiles.into();
    let (generator, _) = generator(source, config, profiles, cache_bytes, Arc::new(()))?;
    Ok(Service::new(generator, call_timeout))
}

/// What the memories of a reader count, by their names.
type Counts = [(&'static str, Arc<CacheCounts>); 2];

/// The same reader, which remembers, and what its memories count.
fn remembering(reader: impl ImageReader, cache_bytes: u64) -> (Arc<dyn ImageReader>, Counts) {
    let memo = CachedReader::new(reader, cache_bytes);
    let counts = memo.counts();
    (Arc::new(memo), counts)
}

/// What reads containerd's snapshots.
fn snapshot_files(socket: &Path, config: &SnapshotConfig) -> Arc<SnapshotFiles> {
    let SnapshotConfig { root, snapshotter, timeout } = config.clone();
    // A connection of its own, which is only dialled where a snapshot is read.
    let snapshots = Containerd::new(socket).with_lease(timeout * 2);
    let rules = SnapshotRules { root, snapshotter, timeout };
    Arc::new(SnapshotFiles::new(Arc::new(snapshots), rules))
}

/// A server that is bound and not yet serving.
pub struct App {
    bound: Bound,
    metrics_listener: Option<Listener>,
    routes: Routes,
    health: Health,
    profiles: Reload,
    source: Arc<dyn ImageStore>,
    config: ServeConfig,
}

impl App {
    /// Opens the source and binds every address, with no sockets from systemd.
    ///
    /// # Errors
    ///
    /// An [`AppError`]; what was bound before it is released.
    pub async fn bind(config: &Config) -> Result<Self, AppError> {
        Self::bind_with(config, Activation::none()).await
    }

    /// Opens the source, binds every address and takes what systemd passed.
    ///
    /// # Errors
    ///
    /// An [`AppError`]; what was bound before it is released.
    pub async fn bind_with(config: &Config, activation: Activation) -> Result<Self, AppError> {
        let profiles = Reload::first(config.profiles.clone())?;
        let metrics = observe::metrics();
        let tell = Arc::new(observe::Tell(Arc::clone(&metrics)));
        let source = open_watched(&config.source, tell.clone())?;
        let limits = &config.limits;
        let (generator, counts) = generator(
            &source,
            &config.source,
            profiles.catalog(),
            config.cache_bytes,
            tell.clone(),
        )?;
        observe::caches(&metrics, &counts);
        observe::profiles(&metrics, profiles.clone());
        let service = Service::new(generator.observed_by(tell), limits.call_timeout)
            .with_answers_of(limits.response_bytes);
        let spec = SpecServiceServer::new(service)
            .max_decoding_message_size(limits.request_bytes)
            .max_encoding_message_size(limits.response_bytes);
        let health = Health::new(SERVICE);
        observe::source(&metrics, health.clone());
        let routes = Routes::new(spec).add_service(health.server());
        let routes = reflection::add(routes, &[DESCRIPTORS])?;

        let bound = listeners::bind(&config.listening, activation).await?;
        observe::tls(&metrics, bound.tls.clone());
        let metrics_listener = match &config.metrics_listen {
            Some(text) => {
                let address = text.parse().map_err(AppError::MetricsAddress)?;
                Some(listeners::metrics(&address).await?)
            }
            None => None,
        };
        let config = ServeConfig {
            metrics,
            mend_authority: config.mend_authority,
            adopt: config.otlp_endpoint.is_some().then_some(traces::adopt as Adopt),
            ..transport::config(limits)
        };
        Ok(Self { bound, metrics_listener, routes, health, profiles, source, config })
    }

    /// The addresses that are listened on, with the ports that were chosen; the one for health alone is
    /// the last.
    pub fn addresses(&self) -> impl Iterator<Item = &ListenAddress> {
        self.bound.listeners.iter().chain(&self.bound.health).map(Listener::address)
    }

    /// The TLS of the TCP listeners, where they speak it.
    #[must_use]
    pub fn tls(&self) -> Option<&Tls> {
        self.bound.tls.as_ref()
    }

    /// What reads the profiles again.
    #[must_use]
    pub fn profiles(&self) -> &Reload {
        &self.profiles
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
        let Bound { listeners, health: for_probers, tls } = self.bound;
        let mut followers = JoinSet::new();
        let (health, source) = (self.health.clone(), self.source);
        followers.spawn(async move { health.follow(source, Probe::default()).await });
        if let Some(tls) = tls {
            followers.spawn(async move { tls.follow(TLS_RELOAD).await });
        }
        let probes = for_probers.map(|listener| Probes::start(listener, &self.health));

        // Metrics are there to the end: how the server drains is worth knowing.
        let exposing = self
            .metrics_listener
            .map(|listener| tokio::spawn(expose(listener, Arc::clone(&self.config.metrics))));
        let mut serving =
            pin!(serve(listeners, self.routes, self.health, self.config, shutdown.clone()));
        notify::ready();
        let served = tokio::select! {
            biased;
            () = shutdown.requested() => {
                notify::stopping();
                serving.await
            }
            served = &mut serving => served,
        };
        let probed = match probes {
            Some(probes) => probes.stop().await,
            None => Ok(()),
        };
        if let Some(exposing) = exposing {
            exposing.abort();
            // Its socket's file is removed when the task is gone.
            let _ = exposing.await;
        }
        Ok(served.and(probed)?)
    }
}
