//! The flags that `generate` and `explain` share, and the request that they become.

use crate::api::pb::specd as pb;
use crate::commands::Failure;
use crate::commands::logging::LogArgs;
use crate::commands::options::{LabelArgs, OptionArgs};
use crate::commands::profile_files::ProfileDirArgs;
use crate::commands::service::{self, Client, ServerArgs};
use crate::commands::source::SourceArgs;
use clap::Args;

/// What a spec is made of, and which service makes it.
#[derive(Debug, Clone, Args)]
pub(super) struct RequestArgs {
    /// The image, by its name in the store or by a familiar name
    #[arg(value_name = "IMAGE")]
    image: String,
    /// The arguments to run instead of the image's Cmd
    #[arg(value_name = "COMMAND", last = true)]
    pub(super) command: Vec<String>,
    /// The containerd namespace
    #[arg(long, value_name = "NS", env = "SPECD_NAMESPACE", default_value = "default")]
    namespace: String,
    /// The container's id
    #[arg(long, value_name = "ID", env = "SPECD_ID", default_value = "specd")]
    id: String,
    /// The profile to start from; node is that of the containerd release that runs here [default: function, or the default of the server]
    #[arg(long, value_name = "NAME", env = "SPECD_PROFILE")]
    profile: Option<String>,
    #[command(flatten)]
    service: ServiceArgs,
    /// The snapshotter of the snapshots that are read [default: overlayfs, or the default of the server]
    #[arg(long, value_name = "NAME", env = "SPECD_SNAPSHOTTER", help_heading = "Snapshots")]
    snapshotter: Option<String>,
    /// Read users and groups from this snapshot, for example a container's own, instead of the image
    #[arg(long, value_name = "KEY", env = "SPECD_SNAPSHOT_KEY", help_heading = "Snapshots")]
    snapshot_key: Option<String>,
    #[command(flatten)]
    pub(super) options: OptionArgs,
    #[command(flatten)]
    labels: LabelArgs,
    #[command(flatten, next_help_heading = "Logging")]
    log: LogArgs,
}

/// The service that makes the spec.
#[derive(Debug, Clone, Args)]
pub(super) struct ServiceArgs {
    #[command(flatten)]
    profiles: ProfileDirArgs,
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    server: ServerArgs,
}

impl ServiceArgs {
    /// Calls the service.
    pub(super) fn call<T>(
        self,
        work: impl AsyncFnOnce(Client) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let Self { profiles, source, server } = self;
        service::call(&server, &source, &profiles, work)
    }
}

impl RequestArgs {
    /// Sets up the log and reads the files of options.
    pub(super) fn prepare(self) -> Result<(pb::GenerateRequest, ServiceArgs), Failure> {
        let Self {
            image,
            command,
            namespace,
            id,
            profile,
            service,
            snapshotter,
            snapshot_key,
            options,
            labels,
            log,
        } = self;
        log.install(None)?;
        let platform = service.source.platform.clone();
        let request = pb::GenerateRequest {
            image,
            namespace,
            id,
            profile: profile.unwrap_or_default(),
            options: Some(options.options(command)?.into()),
            platform: platform.map(|platform| pb::Platform {
                os_features: platform.os_features.list().to_vec(),
                os: platform.os,
                architecture: platform.architecture,
                variant: platform.variant,
            }),
            snapshotter: snapshotter.unwrap_or_default(),
            snapshot_key: snapshot_key.unwrap_or_default(),
            encoding: pb::Encoding::Any.into(),
            labels: labels.labels(),
        };
        Ok((request, service))
    }
}
