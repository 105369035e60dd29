//! `specd process` and `specd resources`: what a client asks about containers that are there.

use crate::api::pb::specd::{self as pb, SpecService, SpecServiceClient};
use crate::api::{request, response, status};
use crate::app;
use crate::cli::SourceArgs;
use crate::cli::host::HostArgs;
use crate::cli::tasks::{ExecArgs, PartOutput, ProcessArgs, ResourcesArgs};
use crate::commands::generate::any;
use crate::commands::{Failure, block_on, client, install_logs, print, unusable};
use crate::config::{ProfileConfig, SnapshotConfig, SourceConfig};
use crate::domain::request::DEFAULT_PROFILE;
use crate::domain::snapshot::DEFAULT_SNAPSHOTTER;
use crate::spec::resources::encode_resources;
use prost_types::Any;
use serde_json::Value;
use std::io::Write;
use std::time::Duration;
use tonic::Request;

/// A person can stop the command, so it may take long.
const CALL_TIMEOUT: Duration = Duration::from_secs(24 * 3600);

pub(crate) fn process(args: ProcessArgs) -> Result<(), Failure> {
    install_logs(&args.log, None)?;
    let output = args.output;
    let response = block_on(ask(args))?;
    for warning in &response.warnings {
        let _ = writeln!(std::io::stderr(), "warning: {warning}");
    }
    print(&render(response.process.as_ref(), output)?)
}

async fn ask(args: ProcessArgs) -> Result<pb::GenerateProcessResponse, Failure> {
    let request = Request::new(pb::GenerateProcessRequest {
        namespace: args.namespace,
        id: args.id,
        profile: args.profile,
        options: Some(options(args.changes, args.command)),
    });
    let answer = if let Some(address) = &args.server {
        let channel = client::connect(address, &args.tls).await?;
        SpecServiceClient::new(channel).generate_process(request).await
    } else {
        let source = SourceArgs {
            containerd: args.containerd,
            oci_layout: None,
            platform: None,
            // An exec gets nothing of the host.
            host: HostArgs { dev_root: "/".into(), ..HostArgs::default() },
        };
        let snapshots = SnapshotConfig::new(&args.snapshots, DEFAULT_SNAPSHOTTER);
        let config = SourceConfig::new(&source).map_err(Failure::usage)?;
        let config = config.with_snapshots(snapshots.map_err(Failure::usage)?);
        let profiles = ProfileConfig::new(&args.profiles, DEFAULT_PROFILE);
        let profiles = app::profiles::load(&profiles).map_err(unusable)?;
        let source = app::open_source(&config).map_err(Failure::run)?;
        let service = app::service(&source, &config, profiles, 0, CALL_TIMEOUT);
        service.map_err(Failure::usage)?.generate_process(request).await
    };
    answer.map(tonic::Response::into_inner).map_err(|status| client::failure(&status))
}

fn options(changes: ExecArgs, command: Vec<String>) -> pb::ExecOptions {
    let process = pb::ProcessOptions {
        command: Some(pb::StringList { values: command }),
        env: changes.env,
        cwd: changes.cwd,
        terminal: changes.terminal.then_some(true),
        ..Default::default()
    };
    let user = pb::UserOptions {
        user: changes.user,
        additional_groups: changes.group,
        ..Default::default()
    };
    pb::ExecOptions { process: Some(process), user: Some(user), ..Default::default() }
}

/// Nothing has to be asked for limits, so no server is.
pub(crate) fn resources(args: ResourcesArgs) -> Result<(), Failure> {
    let output = if args.any { PartOutput::Any } else { PartOutput::Json };
    let request = pb::GenerateResourcesRequest { options: Some(limits(args)) };
    let refused = |error| client::failure(&status::of(&error));
    let request = request::update(request).map_err(|wrong| refused(wrong.into()))?;
    let limits = encode_resources(&request.resources).map_err(|error| refused(error.into()))?;
    print(&render(response::resources(limits).resources.as_ref(), output)?)
}

fn limits(args: ResourcesArgs) -> pb::UpdateOptions {
    let memory = pb::MemoryResources {
        limit: args.memory_limit,
        swap: args.memory_swap,
        ..Default::default()
    };
    let cpu = pb::CpuResources {
        shares: args.cpu_shares,
        quota: args.cpu_quota,
        period: args.cpu_period,
        cpus: args.cpus,
        ..Default::default()
    };
    let resources = pb::ResourceOptions {
        memory: (memory != pb::MemoryResources::default()).then_some(memory),
        cpu: (cpu != pb::CpuResources::default()).then_some(cpu),
        pids_limit: args.pids_limit,
        ..Default::default()
    };
    pb::UpdateOptions { resources: Some(resources) }
}

fn render(part: Option<&Any>, output: PartOutput) -> Result<String, Failure> {
    let part = part.ok_or_else(|| Failure::run("the answer is empty"))?;
    let value: Value = match output {
        PartOutput::Json => serde_json::from_slice(&part.value).map_err(Failure::run)?,
        PartOutput::Any => any(part),
    };
    serde_json::to_string_pretty(&value).map_err(Failure::run)
}
