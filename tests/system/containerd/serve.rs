//! The server itself, in this process, over a daemon.

use crate::support::daemon::Daemon;
use clap::Parser;
use specd::api::pb::specd::{SERVICE, SpecServiceClient};
use specd::commands::serve::BoundServer;
use specd::commands::{Cli, Command};
use specd::server::activation::Activation;
use specd::server::shutdown::Shutdown;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

/// A server on a unix socket in the daemon's directory; it stops when this goes.
pub(crate) struct Served {
    address: String,
    shutdown: Shutdown,
}

impl Served {
    /// Starts one, by the flags that an operator would give.
    pub(crate) async fn start(daemon: &Daemon) -> Self {
        Self::start_with(daemon, &[]).await
    }

    /// The same with more flags.
    pub(crate) async fn start_with(daemon: &Daemon, more: &[&str]) -> Self {
        // One that was dropped a moment ago still has its socket.
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let name = format!("specd-{}.sock", STARTED.fetch_add(1, Ordering::Relaxed));
        let address = format!("unix://{}", daemon.path(&name).display());
        let socket = daemon.socket();
        let flags =
            ["specd", "serve", "--listen", &address, "--containerd", socket.to_str().unwrap()];
        let flags = flags.iter().chain(more);
        let Command::Serve(args) = Cli::parse_from(flags).command else { panic!("not serve") };
        let server = BoundServer::bind(*args, Activation::none()).await.unwrap();
        let shutdown = Shutdown::new();
        tokio::spawn(server.run_until(shutdown.clone()));
        Self { address, shutdown }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    async fn channel(&self) -> Channel {
        Endpoint::from_shared(self.address.clone()).unwrap().connect().await.unwrap()
    }

    /// A client of it.
    pub(crate) async fn client(&self) -> SpecServiceClient<Channel> {
        SpecServiceClient::new(self.channel().await)
    }

    /// Waits until health says so; a minute is for machines under load, not for the server.
    pub(crate) async fn wait_until_ready(&self, ready: bool) {
        let mut client = HealthClient::new(self.channel().await);
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let request = HealthCheckRequest { service: SERVICE.to_owned() };
            let status = client.check(request).await.unwrap().into_inner().status();
            if (status == ServingStatus::Serving) == ready {
                return;
            }
            assert!(Instant::now() < deadline, "health still says {status:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// One Watch of readiness.
pub(crate) struct Readiness(tonic::Streaming<HealthCheckResponse>);

impl Served {
    /// Watches readiness.
    pub(crate) async fn readiness(&self) -> Readiness {
        let request = HealthCheckRequest { service: "readiness".to_owned() };
        let mut client = HealthClient::new(self.channel().await);
        Readiness(client.watch(request).await.unwrap().into_inner())
    }
}

impl Readiness {
    /// Waits until it says so.
    pub(crate) async fn becomes(&mut self, ready: bool) {
        let wished = if ready { ServingStatus::Serving } else { ServingStatus::NotServing };
        let said = async { while self.0.message().await.unwrap().unwrap().status() != wished {} };
        tokio::time::timeout(Duration::from_secs(60), said).await.unwrap();
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.shutdown.request();
    }
}
