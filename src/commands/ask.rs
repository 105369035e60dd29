//! The calls of a client, to a server or to a service in this process; and the request that flags stand for.

use crate::api::Service;
use crate::api::pb::specd::{self as pb, SpecService, SpecServiceClient};
use crate::app;
use crate::cli::{AskArgs, OptionArgs};
use crate::commands::{Failure, client, option_files, progress, unusable};
use crate::config::{ProfileConfig, SnapshotConfig, SourceConfig};
use crate::domain::request::DEFAULT_PROFILE;
use crate::domain::snapshot::DEFAULT_SNAPSHOTTER;
use std::time::Duration;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};

/// A person can stop the command, so it may take long.
const CALL_TIMEOUT: Duration = Duration::from_secs(24 * 3600);

/// Whoever answers.
pub(super) enum Answerer {
    /// A server.
    Server(SpecServiceClient<Channel>),
    /// A service in this process.
    Here(Box<Service>),
}

/// Whoever the flags say.
pub(super) async fn open(args: &AskArgs) -> Result<Answerer, Failure> {
    if let Some(address) = &args.server {
        let channel = client::connect(address, &args.tls).await?;
        // What a server sends is bounded by the server.
        let client = SpecServiceClient::new(channel).max_decoding_message_size(usize::MAX);
        return Ok(Answerer::Server(client));
    }
    let snapshots = SnapshotConfig::new(&args.snapshots, DEFAULT_SNAPSHOTTER);
    let config = SourceConfig::new(&args.source).map_err(Failure::usage)?;
    let config = config.with_snapshots(snapshots.map_err(Failure::usage)?);
    let profiles = ProfileConfig::new(&args.profiles, DEFAULT_PROFILE);
    let profiles = app::profiles::load(&profiles).map_err(unusable)?;
    let source = progress::shown(app::open_source(&config).map_err(Failure::run)?);
    let service = app::service(&source, &config, profiles, 0, CALL_TIMEOUT);
    Ok(Answerer::Here(Box::new(service.map_err(Failure::usage)?)))
}

impl Answerer {
    /// Calls Generate.
    pub(super) async fn generate(
        &mut self,
        request: pb::GenerateRequest,
    ) -> Result<pb::GenerateResponse, Failure> {
        said(match self {
            Self::Server(client) => client.generate(request).await,
            Self::Here(service) => service.generate(Request::new(request)).await,
        })
    }

    /// Calls Explain.
    pub(super) async fn explain(
        &mut self,
        request: pb::GenerateRequest,
    ) -> Result<pb::ExplainResponse, Failure> {
        let request = pb::ExplainRequest { request: Some(request) };
        said(match self {
            Self::Server(client) => client.explain(request).await,
            Self::Here(service) => service.explain(Request::new(request)).await,
        })
    }
}

fn said<T>(answer: Result<Response<T>, Status>) -> Result<T, Failure> {
    answer.map(Response::into_inner).map_err(|status| client::failure(&status))
}

/// The request that the flags stand for.
///
/// # Errors
///
/// A [`Failure`] where a file with options is none.
pub(super) fn request(args: &AskArgs) -> Result<pb::GenerateRequest, Failure> {
    let flags = options(&args.options, &args.command);
    Ok(pb::GenerateRequest {
        image: args.image.clone(),
        namespace: args.namespace.clone(),
        id: args.id.clone(),
        profile: args.profile.clone(),
        options: Some(option_files::under(&args.options.files, &flags)?),
        platform: args.source.platform.as_deref().filter(|_| args.server.is_some()).map(platform),
        snapshotter: args.snapshotter.clone().unwrap_or_default(),
        snapshot_key: args.snapshot_key.clone().unwrap_or_default(),
    })
}

/// A platform for the server to judge; in this process it is the configuration's.
fn platform(text: &str) -> pb::Platform {
    let mut parts = text.splitn(3, '/').map(str::to_owned);
    let mut next = || parts.next().unwrap_or_default();
    pb::Platform { os: next(), architecture: next(), variant: next() }
}

/// The changes that the flags stand for.
pub(super) fn options(args: &OptionArgs, command: &[String]) -> pb::SpecOptions {
    let list = |values: &[String]| pb::StringList { values: values.to_vec() };
    pb::SpecOptions {
        process: Some(pb::ProcessOptions {
            command: (!command.is_empty()).then(|| list(command)),
            entrypoint: args.entrypoint.as_ref().map(|program| list(std::slice::from_ref(program))),
            env: args.env.clone(),
            cwd: args.cwd.clone(),
            terminal: args.terminal.then_some(true),
            ..Default::default()
        }),
        user: Some(pb::UserOptions {
            user: args.user.clone(),
            additional_groups: args.group.clone(),
            ..Default::default()
        }),
        root: args
            .read_only
            .map(|readonly| pb::RootOptions { readonly: Some(readonly), ..Default::default() }),
        mounts: args
            .vm_network
            .then(|| pb::MountOptions { vm_network: true, ..Default::default() }),
        hostname: args.hostname.clone(),
        devices: (!args.device.is_empty()).then(|| pb::DeviceOptions {
            host: args.device.iter().map(|text| device(text)).collect(),
            ..Default::default()
        }),
        cdi_devices: args.cdi_device.clone(),
        ..Default::default()
    }
}

/// A device as `PATH`, `PATH:PATH` or `PATH:PATH:rwm`, for the service to judge.
fn device(text: &str) -> pb::HostDevice {
    let mut parts = text.splitn(3, ':').map(str::to_owned);
    let mut next = || parts.next().unwrap_or_default();
    pb::HostDevice {
        path: next(),
        container_path: next(),
        permissions: next(),
        follow_symlinks: false,
    }
}
