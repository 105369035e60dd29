//! The server for probes that support neither TLS nor unix sockets: gRPC health on a port of its own.
//!
//! Its connections are counted apart, so that a probe is answered when clients have used up all others, and
//! it stops after the main server, so that a probe sees `NOT_SERVING` while that one drains.

use crate::server::cores::Cores;
use crate::server::health::Health;
use crate::server::listen::Listener;
use crate::server::serve::{ServeConfig, ServeError, serve};
use crate::server::shutdown::Shutdown;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tonic::service::Routes;

/// The largest number of connections. A further one closes the one that has been idle for the longest time: any
/// pod may connect, and must not keep the kubelet out.
const CONNECTIONS: usize = 64;

/// How long a probe may take to close its connection at the end.
const DRAIN: Duration = Duration::from_millis(100);

/// The running server for probes.
pub(super) struct HealthPort {
    running: JoinHandle<Result<(), ServeError>>,
    end: Shutdown,
}

impl HealthPort {
    /// Starts it, with the timeouts of the main server; it serves `grpc.health.v1` and nothing else.
    pub(super) fn start(listener: Listener, health: &Health, main: &ServeConfig) -> Self {
        let config = ServeConfig {
            connections: CONNECTIONS,
            peer_connections: CONNECTIONS,
            replace_connections: true,
            streams: 16,
            drain_timeout: DRAIN,
            metrics: Arc::default(),
            tracing: None,
            web: None,
            cores: Cores::default(),
            ..main.clone()
        };
        let (end, routes) = (Shutdown::new(), Routes::new(health.server()));
        let running =
            tokio::spawn(serve(vec![listener], routes, health.clone(), config, end.clone()));
        Self { running, end }
    }

    /// Stops it and waits for its end.
    pub(super) async fn stop(self) -> Result<(), ServeError> {
        self.end.request();
        self.running.await.unwrap_or_else(|error| Err(ServeError::Loop(error.to_string())))
    }
}
