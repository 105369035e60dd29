//! The whole server in this process, over real sockets, with a fake containerd: a test for each guarantee in docs/operations.md.

mod compression;
mod containerd;
mod deadlines;
mod limits;
mod logs;
mod lookups;
mod metrics;
mod node_profile;
mod tasks;
mod traces;
mod web;

use clap::Parser;
use containerd::{FakeContainerd, IMAGE};
use specd::api::pb::specd::{GenerateRequest, GenerateResponse, SpecServiceClient};
use specd::commands::serve::{BoundServer, ServeArgs};
use specd::commands::{Cli, Command};
use specd::server::activation::Activation;
use specd::server::listen::ListenAddress;
use specd::server::serve::ServeError;
use specd::server::shutdown::Shutdown;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::task::JoinHandle;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

/// How long anything may take that should be quick; long, for machines are noisy.
const SOON: Duration = Duration::from_secs(30);

/// The arguments of `specd serve` with these flags.
fn args(flags: &[&str]) -> ServeArgs {
    let words = ["specd", "serve"].iter().chain(flags);
    let Command::Serve(args) = Cli::parse_from(words).command else { panic!("not serve") };
    *args
}

async fn bind(flags: &[&str]) -> BoundServer {
    BoundServer::bind(args(flags), Activation::none()).await.unwrap()
}

/// A server that runs in this process, and its containerd.
struct Server {
    containerd: FakeContainerd,
    address: SocketAddr,
    metrics: Option<SocketAddr>,
    shutdown: Shutdown,
    running: JoinHandle<Result<(), ServeError>>,
    _directory: tempfile::TempDir,
}

impl Server {
    async fn start(flags: &[&str]) -> Self {
        Self::start_with(FakeContainerd::new(&[], &[]), flags).await
    }

    async fn start_with(containerd: FakeContainerd, flags: &[&str]) -> Self {
        let (directory, socket) = containerd.serve();
        let mut all = vec!["--containerd", socket.to_str().unwrap()];
        all.extend(flags);
        Self::over(containerd, directory, &all).await
    }

    /// A server with a source in its flags; its containerd is not called.
    async fn start_alone(flags: &[&str]) -> Self {
        Self::over(FakeContainerd::new(&[], &[]), tempfile::tempdir().unwrap(), flags).await
    }

    async fn over(
        containerd: FakeContainerd,
        directory: tempfile::TempDir,
        flags: &[&str],
    ) -> Self {
        let mut all = vec!["--listen", "tcp://127.0.0.1:0", "--platform", "linux/amd64"];
        all.extend(flags);
        let server = bind(&all).await;
        let address = tcp(server.addresses().next().unwrap());
        let metrics = server.metrics_address().map(tcp);
        let shutdown = Shutdown::new();
        let running = tokio::spawn(server.run_until(shutdown.clone()));
        Self { containerd, address, metrics, shutdown, running, _directory: directory }
    }

    async fn channel(&self) -> Channel {
        let target = format!("http://{}", self.address);
        within("a connection", Endpoint::from_shared(target).unwrap().connect()).await.unwrap()
    }

    async fn generate(
        &self,
        request: Request<GenerateRequest>,
    ) -> Result<GenerateResponse, Status> {
        let mut client = SpecServiceClient::new(self.channel().await);
        within("an answer", client.generate(request)).await.map(tonic::Response::into_inner)
    }
}

fn tcp(address: &ListenAddress) -> SocketAddr {
    match address {
        ListenAddress::Tcp(address) => *address,
        other => panic!("{other} is not TCP"),
    }
}

fn request() -> Request<GenerateRequest> {
    Request::new(GenerateRequest {
        image: IMAGE.to_owned(),
        namespace: "functions".to_owned(),
        id: "app-1".to_owned(),
        ..Default::default()
    })
}

async fn within<F: Future>(what: &str, future: F) -> F::Output {
    match tokio::time::timeout(SOON, future).await {
        Ok(output) => output,
        Err(_) => panic!("waited too long for {what}"),
    }
}
