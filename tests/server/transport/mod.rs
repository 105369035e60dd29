//! The transport over real sockets, with gRPC health as the service that is called.

mod authority;
mod calls;
mod floods;
mod health;
mod limits;
mod listen;
mod load;
mod out_of_descriptors;
mod places;
mod reflection;
mod shutdown;
mod slow_clients;

use crate::support::serve_config::serve_config;
use async_trait::async_trait;
use specd::domain::ids::Namespace;
use specd::image::Descriptor;
use specd::image::reference::ImageName;
use specd::server::health::{Health, Probe};
use specd::server::listen::{BindError, BindOptions, ListenAddress, Listener};
use specd::server::serve::{ServeConfig, ServeError, serve};
use specd::server::shutdown::Shutdown;
use specd::store::{BlobStream, Deadline, ImageStore, Resolved, StoreError};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;
use tonic::service::Routes;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

/// The service that health is asked for beside its own names.
const SERVICE: &str = "example.v1.Example";

/// How long anything may take that should be quick; long, for machines are noisy.
const SOON: Duration = Duration::from_secs(15);

/// A source that only answers pings, in the way that a test sets.
#[derive(Default)]
struct FakeSource(AtomicU8);

impl FakeSource {
    const UP: u8 = 0;
    const DOWN: u8 = 1;
    const HANGING: u8 = 2;

    fn is(&self, state: u8) {
        self.0.store(state, Ordering::SeqCst);
    }
}

#[async_trait]
impl ImageStore for FakeSource {
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
        match self.0.load(Ordering::SeqCst) {
            Self::UP => Ok(()),
            Self::HANGING => std::future::pending().await,
            _ => Err(StoreError::Unavailable("the fake is down".to_owned())),
        }
    }
}

/// A server that runs in this process.
struct Server {
    addresses: Vec<ListenAddress>,
    shutdown: Shutdown,
    source: Arc<FakeSource>,
    running: JoinHandle<Result<(), ServeError>>,
}

/// What to start, with the defaults of the transport and nothing but health on it.
struct Start {
    listen: Vec<String>,
    config: ServeConfig,
    shutdown: Shutdown,
    source_state: u8,
    probe: Probe,
    routes: Routes,
}

impl Default for Start {
    fn default() -> Self {
        Self {
            listen: vec!["tcp://127.0.0.1:0".to_owned()],
            config: ServeConfig { drain_timeout: Duration::from_secs(60), ..serve_config() },
            shutdown: Shutdown::new(),
            source_state: FakeSource::UP,
            probe: Probe { every: Duration::from_millis(50), timeout: Duration::from_millis(200) },
            routes: Routes::default(),
        }
    }
}

impl Start {
    async fn run(self) -> Server {
        let mut listeners = vec![];
        for address in &self.listen {
            listeners.push(bind(address).await.unwrap());
        }
        let addresses = listeners.iter().map(|listener| listener.address().clone()).collect();
        let health = Health::new(SERVICE);
        let source = Arc::new(FakeSource::default());
        source.is(self.source_state);
        tokio::spawn({
            let (health, source) = (health.clone(), Arc::clone(&source));
            let probe = self.probe;
            async move { health.follow(source, probe).await }
        });
        let routes = self.routes.add_service(health.server());
        let running =
            tokio::spawn(serve(listeners, routes, health, self.config, self.shutdown.clone()));
        Server { addresses, shutdown: self.shutdown, source, running }
    }
}

impl Server {
    async fn start() -> Self {
        Start::default().run().await
    }

    fn address(&self) -> &ListenAddress {
        &self.addresses[0]
    }

    async fn client(&self) -> HealthClient<Channel> {
        HealthClient::new(connect(self.address()).await.unwrap())
    }

    /// Waits until the server has ended by itself.
    async fn ended(self) -> Result<(), ServeError> {
        within("the server to end", self.running).await.unwrap()
    }
}

async fn bind(address: &str) -> Result<Listener, BindError> {
    Listener::bind(&address.parse().unwrap(), &BindOptions::default()).await
}

async fn connect(address: &ListenAddress) -> Result<Channel, tonic::transport::Error> {
    let target = match address {
        ListenAddress::Tcp(address) => format!("http://{address}"),
        ListenAddress::Unix(path) => format!("unix://{}", path.display()),
    };
    within("a connection", Endpoint::from_shared(target)?.connect()).await
}

async fn within<F: Future>(what: &str, future: F) -> F::Output {
    match tokio::time::timeout(SOON, future).await {
        Ok(output) => output,
        Err(_) => panic!("waited too long for {what}"),
    }
}

fn ask(name: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: name.to_owned() }
}

async fn check(client: &mut HealthClient<Channel>, name: &str) -> ServingStatus {
    within("a check", client.check(ask(name))).await.unwrap().into_inner().status()
}

/// Asks until the answer is as wished.
async fn becomes(client: &mut HealthClient<Channel>, name: &str, wished: ServingStatus) {
    within("health to change", async {
        while check(client, name).await != wished {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}
