//! Measures the cost of the `:authority` filter: calls over a unix socket, alternately with and without it.
//!
//! `make bench`. It has no threshold; a ratio of 1 means that the filter costs nothing.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    reason = "a bench panics and prints"
)]

#[path = "../tests/support/serve_config.rs"]
mod serve_config;

use serve_config::serve_config;
use specd::server::health::Health;
use specd::server::listen::{BindOptions, Listener};
use specd::server::serve::{ServeConfig, serve};
use specd::server::shutdown::Shutdown;
use std::path::Path;
use std::time::Instant;
use tokio::task::JoinSet;
use tonic::metadata::MetadataValue;
use tonic::service::Routes;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

const ROUNDS: usize = 15;
const CALLS: usize = 4_000;
const AT_A_TIME: usize = 32;

/// A client with its own server.
async fn client(directory: &Path, mend_authority: bool) -> HealthClient<Channel> {
    let path = directory.join(if mend_authority { "with.sock" } else { "without.sock" });
    let address = format!("unix://{}", path.display());
    let listener =
        Listener::bind(&address.parse().unwrap(), &BindOptions::default()).await.unwrap();
    let health = Health::new("example.v1.Example");
    let routes = Routes::default().add_service(health.server());
    let config = ServeConfig { mend_authority, ..serve_config() };
    tokio::spawn(serve(vec![listener], routes, health, config, Shutdown::new()));
    HealthClient::new(Endpoint::from_shared(address).unwrap().connect().await.unwrap())
}

/// Calls per second. Each call has other metadata, so that its header block has literals.
async fn round(client: &HealthClient<Channel>, metadata: usize) -> f64 {
    let started = Instant::now();
    let mut callers = JoinSet::new();
    for caller in 0..AT_A_TIME {
        let mut client = client.clone();
        callers.spawn(async move {
            for call in 0..CALLS / AT_A_TIME {
                let mut request = Request::new(HealthCheckRequest { service: "liveness".into() });
                let value = format!("{caller}-{call}-{}", "x".repeat(metadata));
                let value = MetadataValue::try_from(value).unwrap();
                request.metadata_mut().insert("x-request-id", value);
                let code =
                    client.check(request).await.map_or_else(|status| status.code(), |_| Code::Ok);
                assert_eq!(code, Code::Ok);
            }
        });
    }
    callers.join_all().await;
    CALLS as f64 / started.elapsed().as_secs_f64()
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

#[tokio::main]
async fn main() {
    let directory = tempfile::tempdir().unwrap();
    let with = client(directory.path(), true).await;
    let without = client(directory.path(), false).await;
    for metadata in [20, 8_000] {
        for client in [&with, &without] {
            round(client, metadata).await;
        }
        let (mut rates_with, mut rates_without) = (Vec::new(), Vec::new());
        for nth in 0..ROUNDS {
            // The order alternates, so that neither benefits from warmer caches.
            if nth % 2 == 0 {
                rates_with.push(round(&with, metadata).await);
                rates_without.push(round(&without, metadata).await);
            } else {
                rates_without.push(round(&without, metadata).await);
                rates_with.push(round(&with, metadata).await);
            }
        }
        let ratios = rates_with.iter().zip(&rates_without).map(|(with, without)| with / without);
        println!(
            "{metadata} bytes of metadata: {:.0} calls a second with the filter, {:.0} without, ratio {:.3}",
            median(rates_with.clone()),
            median(rates_without.clone()),
            median(ratios.collect()),
        );
    }
}
