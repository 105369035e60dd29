//! The whole server in this process, over real sockets, in front of a fake containerd: what is promised to
//! whoever runs it, each promise a test.

mod containerd;
mod deadlines;
mod limits;
mod logs;
mod metrics;
mod tasks;
mod traces;

use clap::Parser;
use containerd::{FakeContainerd, IMAGE};
use specd::app::{App, AppError};
use specd::cli::{Cli, Command};
use specd::config::Config;
use specd::pb::specd::{GenerateRequest, GenerateResponse, SpecServiceClient};
use specd::server::listen::ListenAddress;
use specd::server::shutdown::Shutdown;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::task::JoinHandle;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

/// How long anything may take that should be quick; long, for machines are noisy.
const SOON: Duration = Duration::from_secs(30);

/// The configuration that flags give, as from the command line.
fn config(flags: &[&str]) -> Config {
    let words = ["specd", "serve"].iter().chain(flags);
    let Command::Serve(args) = Cli::parse_from(words).command else { panic!("not serve") };
    Config::new(&args).unwrap()
}

/// A server that runs in this process, and its containerd.
struct Server {
    containerd: FakeContainerd,
    address: SocketAddr,
    metrics: Option<SocketAddr>,
    shutdown: Shutdown,
    running: JoinHandle<Result<(), AppError>>,
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

    /// One whose flags say where images come from; its containerd is not called.
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
        let app = App::bind(&config(&all)).await.unwrap();
        let address = tcp(app.addresses().next().unwrap());
        let metrics = app.metrics_address().map(tcp);
        let shutdown = Shutdown::new();
        let running = tokio::spawn(app.run_until(shutdown.clone()));
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
