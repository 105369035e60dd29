//! The real transport on a unix socket of its own, with health on it.

use async_trait::async_trait;
use specd::domain::ids::Namespace;
use specd::image::Descriptor;
use specd::image::reference::ImageName;
use specd::server::health::{Health, Probe};
use specd::server::listen::{BindOptions, Listener};
use specd::server::serve::{ServeConfig, serve};
use specd::server::shutdown::Shutdown;
use specd::store::{BlobStream, Deadline, ImageStore, Resolved, StoreError};
use std::sync::Arc;
use tempfile::TempDir;
use tonic::service::Routes;

/// A source that answers and has no images.
struct Empty;

#[async_trait]
impl ImageStore for Empty {
    async fn resolve(
        &self,
        _: &Namespace,
        _: &ImageName,
        _: Deadline,
    ) -> Result<Resolved, StoreError> {
        Err(StoreError::Invalid("not asked for".to_owned()))
    }

    async fn open(
        &self,
        _: &Namespace,
        _: &Descriptor,
        _: Deadline,
    ) -> Result<BlobStream, StoreError> {
        Err(StoreError::Invalid("not asked for".to_owned()))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// A server that runs in this process until it is dropped.
pub(crate) struct Server {
    socket: String,
    shutdown: Shutdown,
    _directory: TempDir,
}

impl Server {
    pub(crate) async fn start(config: ServeConfig) -> Self {
        let directory = tempfile::Builder::new().prefix("specd-").tempdir().unwrap();
        let socket = directory.path().join("specd.sock").to_str().unwrap().to_owned();
        let address = format!("unix://{socket}").parse().unwrap();
        let listener = Listener::bind(&address, &BindOptions::default()).await.unwrap();
        let health = Health::new("example.v1.Example");
        let routes = Routes::default().add_service(health.server());
        let shutdown = Shutdown::new();
        let follow = health.clone();
        tokio::spawn(async move { follow.follow(Arc::new(Empty), Probe::default()).await });
        tokio::spawn(serve(vec![listener], routes, health, config, shutdown.clone()));
        Self { socket, shutdown, _directory: directory }
    }

    /// The path of the socket.
    pub(crate) fn socket(&self) -> &str {
        &self.socket
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shutdown.request();
    }
}
