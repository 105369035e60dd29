//! `specd process`: the process of an exec in an existing container.

use crate::api::pb::specd as pb;
use crate::commands::logging::LogArgs;
use crate::commands::options::ProcessOptionArgs;
use crate::commands::profile_files::ProfileDirArgs;
use crate::commands::service::{self, ServerArgs};
use crate::commands::source::{ContainerdArgs, HostArgs, SourceArgs};
use crate::commands::{Failure, messages, print_json, warn};
use clap::{Args, ValueEnum};
use prost_types::Any;
use serde_json::Value;

/// The output of `process` and `resources`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    /// The JSON that runc reads
    Json,
    /// The Any: its type URL, and its value in base64
    Any,
}

impl Output {
    pub(super) fn print(self, answer: Option<Any>) -> Result<(), Failure> {
        let answer = answer.ok_or_else(|| Failure::run("the response is empty"))?;
        match self {
            Self::Any => print_json(&messages::any(&answer)),
            Self::Json => {
                print_json(&serde_json::from_slice::<Value>(&answer.value).map_err(Failure::run)?)
            }
        }
    }
}

/// Flags of `process`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:\n  specd process web-1 --user app --env DEBUG=1 -- /bin/sh -c id")]
pub struct ProcessArgs {
    /// The container's id
    #[arg(value_name = "CONTAINER")]
    id: String,
    /// The command to run in the container
    #[arg(value_name = "COMMAND", last = true, required = true)]
    command: Vec<String>,
    /// The containerd namespace
    #[arg(long, value_name = "NS", env = "SPECD_NAMESPACE", default_value = "default")]
    namespace: String,
    /// The profile with the rules for users and TERM [default: function, or the default of the server]
    #[arg(long, value_name = "NAME", env = "SPECD_PROFILE")]
    profile: Option<String>,
    /// What to print
    #[arg(long, value_name = "WHAT", env = "SPECD_OUTPUT", default_value = "json")]
    output: Output,
    #[command(flatten)]
    profiles: ProfileDirArgs,
    #[command(flatten)]
    containerd: ContainerdArgs,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten, next_help_heading = "Changes to the process")]
    changes: ProcessOptionArgs,
    #[command(flatten, next_help_heading = "Logging")]
    log: LogArgs,
}

pub(super) fn run(args: ProcessArgs) -> Result<(), Failure> {
    let ProcessArgs {
        id,
        command,
        namespace,
        profile,
        output,
        profiles,
        containerd,
        server,
        changes,
        log,
    } = args;
    log.install(None)?;
    let (process, user) = changes.options(command)?;
    let options = pb::ExecOptions { process: Some(process), user, ..Default::default() };
    let options = Some(options);
    let profile = profile.unwrap_or_default();
    let request =
        pb::GenerateProcessRequest { namespace, id, profile, options, ..Default::default() };
    // An exec uses nothing of the host.
    let (oci_layout, platform, host) = (None, None, HostArgs::default());
    let source = SourceArgs { containerd, oci_layout, platform, host };
    let response = service::call(&server, &source, &profiles, async |mut client| {
        Ok(client.generate_process(request).await?.into_inner())
    })?;
    warn(&response.warnings);
    output.print(response.process)
}
