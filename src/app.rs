//! The composition root: from a configuration to a server that runs, or to a service in this process.

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
use crate::server::health::{Health, Probe};
use crate::server::listen::{AddressError, BindError, BindOptions, ListenAddress, Listener};
use crate::server::reflection;
use crate::server::serve::{ServeConfig, ServeError, serve};
use crate::server::shutdown::Shutdown;
use crate::source::containerd::Containerd;
use crate::source::oci_layout::{LayoutError, OciLayout};
use crate::spec::{Profiles, SpecError};
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
    listeners: Vec<Listener>,
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

        let options = BindOptions { insecure_tcp: config.insecure_tcp, ..BindOptions::default() };
        let mut listeners = Vec::new();
        for text in &config.listen {
            let address: ListenAddress = text.parse()?;
            listeners.push(Listener::bind(&address, &options).await?);
        }
        let config = ServeConfig {
            connections: config.max_connections,
            drain_timeout: config.drain_timeout,
            mend_authority: config.mend_authority,
            ..ServeConfig::default()
        };
        Ok(Self { listeners, routes, health, source, config })
    }

    /// The addresses that are listened on, with the ports that were chosen.
    pub fn addresses(&self) -> impl Iterator<Item = &ListenAddress> {
        self.listeners.iter().map(Listener::address)
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
        let served = serve(self.listeners, self.routes, self.health, self.config, shutdown).await;
        follower.abort();
        Ok(served?)
    }
}
