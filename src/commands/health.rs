//! `specd health`: the health of a server.

use crate::commands::client::{self, ClientTlsArgs};
use crate::commands::flag_values::timeout;
use crate::commands::{Failure, SERVER, block_on, print};
use clap::Args;
use std::time::Duration;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

/// The service of specd, which no other server has.
const SERVICE: &str = "specd.v1.SpecService";

/// Flags of `health`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:\n  specd health --server unix:///run/specd/specd.sock \
                        --service liveness")]
pub struct HealthArgs {
    #[arg(long, help = "The server to call: unix:///PATH, tcp://HOST:PORT or https://HOST:PORT", value_name = "ADDRESS", env = "SPECD_SERVER", default_value = SERVER)]
    server: String,
    /// The name of a service; empty for the whole server, whichever it is
    #[arg(long, value_name = "NAME", env = "SPECD_SERVICE", default_value = SERVICE)]
    service: String,
    #[command(flatten)]
    tls: ClientTlsArgs,
    /// The longest time to wait for the answer
    #[arg(long, value_name = "DURATION", env = "SPECD_TIMEOUT", default_value = "3s", value_parser = timeout)]
    timeout: Duration,
}

pub(super) fn run(args: HealthArgs) -> Result<(), Failure> {
    let HealthArgs { server, service, tls, timeout } = args;
    let status =
        block_on(async { client::wait(&server, timeout, check(&server, &service, &tls)).await })?;
    print(status.as_str_name())?;
    if status == ServingStatus::Serving {
        return Ok(());
    }
    let name = if service.is_empty() { "the server" } else { &service };
    Err(Failure::run(format_args!("{name} is not serving")))
}

async fn check(server: &str, service: &str, tls: &ClientTlsArgs) -> Result<ServingStatus, Failure> {
    let mut client = HealthClient::new(client::connect(server, tls).await?);
    let request = HealthCheckRequest { service: service.to_owned() };
    match client.check(request).await {
        Ok(response) => Ok(response.into_inner().status()),
        Err(status) if status.code() == Code::NotFound => {
            Err(Failure::run(format_args!("the server at {server} has no service {service:?}")))
        }
        Err(status) => Err(status.into()),
    }
}
