//! `specd health`.

use crate::api::pb::health::{HealthCheckRequest, HealthClient, ServingStatus};
use crate::cli::HealthArgs;
use crate::commands::{Failure, block_on, client, print};
use std::time::Duration;

pub(crate) fn run(args: &HealthArgs) -> Result<(), Failure> {
    let within: Duration = args.timeout.into();
    let status = block_on(async {
        let answer = tokio::time::timeout(within, ask(args)).await;
        answer.map_err(|_| {
            Failure::run(format_args!("{} did not answer within {}", args.server, args.timeout))
        })?
    })?;
    print(status.as_str_name())?;
    match status {
        ServingStatus::Serving => Ok(()),
        ServingStatus::NotServing | ServingStatus::Unknown | ServingStatus::ServiceUnknown => {
            Err(Failure::run(format_args!("{} is not serving", named(&args.service))))
        }
    }
}

async fn ask(args: &HealthArgs) -> Result<ServingStatus, Failure> {
    let mut client = HealthClient::new(client::connect(&args.server, &args.tls).await?);
    let request = HealthCheckRequest { service: args.service.clone() };
    let answer = client.check(request).await.map_err(|status| {
        if status.code() == tonic::Code::NotFound {
            Failure::run(format_args!("the server has no service {:?}", args.service))
        } else {
            client::failure(&status)
        }
    })?;
    Ok(answer.into_inner().status())
}

fn named(service: &str) -> &str {
    if service.is_empty() { "the server" } else { service }
}
