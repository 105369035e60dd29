//! The service that a command calls: a server, or a service in this process.

use crate::api::Service;
use crate::api::pb::specd::{SpecServiceClient, SpecServiceServer};
use crate::commands::client::{self, ClientTlsArgs, Connection};
use crate::commands::profile_files::ProfileDirArgs;
use crate::commands::source::SourceArgs;
use crate::commands::{Failure, progress};
use crate::domain::ids::Snapshotter;
use crate::domain::request::DEFAULT_PROFILE;
use crate::image::snapshot::key::DEFAULT_SNAPSHOTTER;
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

/// Connects to the server at an address; without one, opens a service over a source.
pub(super) async fn open(
    server: Option<&str>,
    tls: &ClientTlsArgs,
    source: &SourceArgs,
    profiles: &ProfileDirArgs,
) -> Result<Client, Failure> {
    let transport = match server {
        Some(address) => client::connect(address, tls).await?,
        None => {
            let service = local(source, profiles)?;
            BoxService::new(ServiceExt::<Request<Body>>::map_err(service, |never| match never {}))
        }
    };
    // The server limits the size of its answers.
    Ok(SpecServiceClient::new(transport).max_decoding_message_size(usize::MAX))
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
    let generator = source.generator(images, snapshotter, profiles, 0, Arc::new(()), &silence);
    let (generator, _) = generator.map_err(Failure::usage)?;
    let service = Service::new(generator, CALL_TIMEOUT);
    Ok(SpecServiceServer::new(service).max_decoding_message_size(usize::MAX))
}
