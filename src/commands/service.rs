//! The service that a command calls: a server, or a service in this process.

use crate::api::Service;
use crate::api::pb::specd::{SpecServiceClient, SpecServiceServer};
use crate::commands::client::{self, ClientTlsArgs, Connection};
use crate::commands::flag_values::timeout;
use crate::commands::profile_files::ProfileDirArgs;
use crate::commands::source::SourceArgs;
use crate::commands::{Failure, block_on, progress};
use crate::domain::ids::Snapshotter;
use crate::domain::request::DEFAULT_PROFILE;
use crate::image::snapshot::key::DEFAULT_SNAPSHOTTER;
use clap::Args;
use http::Request;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tonic::body::Body;
use tower::ServiceExt;
use tower::util::BoxService;

/// A person can stop the command, so it may take long.
const CALL_TIMEOUT: Duration = Duration::from_secs(24 * 3600);

/// A client of a server, or of a service in this process.
pub(super) type Client = SpecServiceClient<Connection>;

/// The server that a command calls, and the limits of the call.
#[derive(Debug, Clone, Args)]
pub(super) struct ServerArgs {
    #[arg(
        long,
        help = "A running server to call, instead of reading images and containers here: unix:///PATH, tcp://HOST:PORT or https://HOST:PORT",
        value_name = "ADDRESS",
        env = "SPECD_SERVER"
    )]
    server: Option<String>,
    #[command(flatten)]
    tls: ClientTlsArgs,
    /// The longest time to wait for the answers of a server
    #[arg(long, value_name = "DURATION", env = "SPECD_TIMEOUT", default_value = "60s", value_parser = timeout)]
    timeout: Duration,
}

/// Calls the server, for a limited time; without one, calls a service over a source, for as long as that takes.
pub(super) fn call<T>(
    server: &ServerArgs,
    source: &SourceArgs,
    profiles: &ProfileDirArgs,
    work: impl AsyncFnOnce(Client) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let ServerArgs { server, tls, timeout } = server;
    // The server limits the size of its answers.
    let client =
        |transport| SpecServiceClient::new(transport).max_decoding_message_size(usize::MAX);
    block_on(async {
        match server {
            Some(address) => {
                let answer = async { work(client(client::connect(address, tls).await?)).await };
                client::wait(address, *timeout, answer).await
            }
            None => {
                let service = local(source, profiles)?;
                let service = ServiceExt::<Request<Body>>::map_err(service, |never| match never {});
                work(client(BoxService::new(service))).await
            }
        }
    })
}

fn local(
    source: &SourceArgs,
    profiles: &ProfileDirArgs,
) -> Result<SpecServiceServer<Service>, Failure> {
    let profiles = profiles.load(DEFAULT_PROFILE)?;
    // There are no probes that could find containerd silent.
    let (_, silence) = watch::channel(false);
    let images = progress::shown(source.open(Arc::new(()), &silence).map_err(Failure::run)?);
    let snapshotter = Snapshotter::parse(DEFAULT_SNAPSHOTTER).map_err(Failure::run)?;
    let (generator, _) =
        source.generator(images, snapshotter, profiles, 0, Arc::new(()), &silence)?;
    let service = Service::new(generator, CALL_TIMEOUT);
    Ok(SpecServiceServer::new(service).max_decoding_message_size(usize::MAX))
}
