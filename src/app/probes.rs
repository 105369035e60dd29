//! Health for those that can neither speak TLS nor reach a unix socket: a server of its own.
//!
//! It has places of its own, so that a prober gets an answer when clients have taken all others, and it
//! outlasts the other server, so that a prober hears `NOT_SERVING` while that one drains.

use crate::server::health::Health;
use crate::server::listen::Listener;
use crate::server::serve::{ServeConfig, ServeError, serve};
use crate::server::shutdown::Shutdown;
use std::time::Duration;
use tokio::task::JoinHandle;
use tonic::service::Routes;

/// How long a prober may take to close its connection at the very end.
const DRAIN: Duration = Duration::from_millis(100);

/// The server for probers, running.
pub(super) struct Probes {
    running: JoinHandle<Result<(), ServeError>>,
    end: Shutdown,
}

impl Probes {
    /// Starts it; it serves `grpc.health.v1` and nothing else.
    pub(super) fn start(listener: Listener, health: &Health) -> Self {
        let config = ServeConfig {
            connections: 64,
            streams: 16,
            drain_timeout: DRAIN,
            ..ServeConfig::default()
        };
        let (end, routes) = (Shutdown::new(), Routes::new(health.server()));
        let running =
            tokio::spawn(serve(vec![listener], routes, health.clone(), config, end.clone()));
        Self { running, end }
    }

    /// Stops it and waits for that.
    pub(super) async fn stop(self) -> Result<(), ServeError> {
        self.end.request();
        match self.running.await {
            Ok(served) => served,
            Err(error) => Err(ServeError::Loop(error.to_string())),
        }
    }
}
