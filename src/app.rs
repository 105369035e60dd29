//! The composition root: from a configuration to a server that runs, or to a service in this process.

mod listeners;
mod probes;

pub use listeners::ListenError;

use crate::config::{Config, REQUEST_BYTES, SnapshotConfig, Source, SourceConfig};
use crate::domain::host_facts::HostFacts;
use crate::generate::Generator;
use crate::host;
use crate::image::memo::Memo;
use crate::image::reader::ImageReader;
use crate::image::snapshot_reader::{SnapshotReader, SnapshotRules};
use crate::image::source::ImageSource;
use crate::image::source_reader::SourceReader;
use crate::pb::specd::{DESCRIPTORS, SERVICE, SpecServiceServer};
use crate::rpc::Service;
use crate::server::activation::Activation;
use crate::server::health::{Health, Probe};
use crate::server::listen::{ListenAddress, Listener};
use crate::server::notify;
use crate::server::reflection;
use crate::server::serve::{ServeConfig, ServeError, serve};
use crate::server::shutdown::Shutdown;
use crate::server::tls::Tls;
use crate::source::containerd::Containerd;
use crate::source::oci_layout::{LayoutError, OciLayout};
use crate::spec::{Profiles, SpecError};
use listeners::Bound;
use probes::Probes;
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
    /// A profile is none.
    #[error(transparent)]
    Profile(#[from] SpecError),
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
pub fn open_source(config: &SourceConfig) -> Result<Arc<dyn ImageSource>, LayoutError> {
    Ok(match &config.source {
        Source::Containerd(socket) => Arc::new(Containerd::new(socket)),
        Source::OciLayout(directory) => Arc::new(OciLayout::open(directory)?),
    })
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
    let layers = SourceReader::new(Arc::clone(source));
    let reader: Arc<dyn ImageReader> = match (&config.source, &config.snapshots) {
        (Source::Containerd(socket), Some(snapshots)) => {
            let reader = beside(layers, socket, snapshots);
            Arc::new(Memo::new(reader, cache_bytes))
        }
        (Source::Containerd(_), None) | (Source::OciLayout(_), _) => {
            Arc::new(Memo::new(layers, cache_bytes))
        }
    };
    let generator = Generator::new(
        Arc::clone(source),
        reader,
        Arc::new(profiles),
        config.platform.clone(),
        facts(config),
    );
    Service::new(generator, call_timeout)
}

/// The same reader, and containerd's snapshots beside it.
fn beside(
    layers: SourceReader,
    socket: &Path,
    config: &SnapshotConfig,
) -> SnapshotReader<SourceReader> {
    let SnapshotConfig { root, snapshotter, timeout } = config.clone();
    // A connection of its own, which is only dialled where a snapshot is read.
    let snapshots = Containerd::new(socket).with_lease(timeout * 2);
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
    bound: Bound,
    routes: Routes,
    health: Health,
    source: Arc<dyn ImageSource>,
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
        let profiles = Profiles::built_in(&config.default_profile)?;
        let source = open_source(&config.source)?;
        let spec = SpecServiceServer::new(service(
            &source,
            &config.source,
            profiles,
            config.cache_bytes,
            config.call_timeout,
        ))
        .max_decoding_message_size(REQUEST_BYTES);
        let health = Health::new(SERVICE);
        let routes = Routes::new(spec).add_service(health.server());
        let routes = reflection::add(routes, &[DESCRIPTORS])?;

        let bound = listeners::bind(&config.listening, activation).await?;
        let config = ServeConfig {
            connections: config.max_connections,
            drain_timeout: config.drain_timeout,
            mend_authority: config.mend_authority,
            ..ServeConfig::default()
        };
        Ok(Self { bound, routes, health, source, config })
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
        Ok(served.and(probed)?)
    }
}
