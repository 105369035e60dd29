//! `specd generate`: the same call that a client makes, to a server or to a service in this process.

use crate::app;
use crate::cli::{GenerateArgs, OptionArgs, Output};
use crate::commands::{Failure, block_on, client, install_logs, print, progress};
use crate::config::{SnapshotConfig, SourceConfig};
use crate::domain::request::DEFAULT_PROFILE;
use crate::domain::snapshot::DEFAULT_SNAPSHOTTER;
use crate::pb::specd::{self as pb, SpecService, SpecServiceClient};
use crate::spec::Profiles;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::io::Write;
use std::time::Duration;
use tonic::Request;

/// A person can stop the command, so it may take long.
const CALL_TIMEOUT: Duration = Duration::from_secs(24 * 3600);

pub(crate) fn run(args: GenerateArgs) -> Result<(), Failure> {
    install_logs(&args.log, None)?;
    let output = args.output;
    let response = block_on(ask(args))?;
    if output != Output::Response {
        for warning in &response.warnings {
            let _ = writeln!(std::io::stderr(), "warning: {warning}");
        }
    }
    print(&render(&response, output)?)
}

async fn ask(args: GenerateArgs) -> Result<pb::GenerateResponse, Failure> {
    let request = Request::new(request(&args));
    let answer = match &args.server {
        Some(address) => {
            SpecServiceClient::new(client::connect(address, &args.tls).await?)
                .generate(request)
                .await
        }
        None => {
            let snapshots = SnapshotConfig::new(&args.snapshots, DEFAULT_SNAPSHOTTER);
            let config = SourceConfig::new(&args.source).map_err(Failure::usage)?;
            let config = config.with_snapshots(snapshots.map_err(Failure::usage)?);
            let profiles = Profiles::built_in(DEFAULT_PROFILE).map_err(Failure::run)?;
            let source = progress::shown(app::open_source(&config).map_err(Failure::run)?);
            let service = app::service(&source, &config, profiles, 0, CALL_TIMEOUT);
            service.map_err(Failure::usage)?.generate(request).await
        }
    };
    answer.map(tonic::Response::into_inner).map_err(|status| client::failure(&status))
}

fn request(args: &GenerateArgs) -> pb::GenerateRequest {
    pb::GenerateRequest {
        image: args.image.clone(),
        namespace: args.namespace.clone(),
        id: args.id.clone(),
        profile: args.profile.clone(),
        options: Some(options(&args.options, &args.command)),
        platform: args.source.platform.as_deref().filter(|_| args.server.is_some()).map(platform),
        snapshotter: args.snapshotter.clone().unwrap_or_default(),
        snapshot_key: args.snapshot_key.clone().unwrap_or_default(),
    }
}

/// A platform for the server to judge; in this process it is the configuration's.
fn platform(text: &str) -> pb::Platform {
    let mut parts = text.splitn(3, '/').map(str::to_owned);
    let mut next = || parts.next().unwrap_or_default();
    pb::Platform { os: next(), architecture: next(), variant: next() }
}

fn options(args: &OptionArgs, command: &[String]) -> pb::SpecOptions {
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
            umask: None,
        }),
        root: args.read_only.map(|readonly| pb::RootOptions { readonly: Some(readonly) }),
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

fn render(response: &pb::GenerateResponse, output: Output) -> Result<String, Failure> {
    let spec = response.spec.as_ref().ok_or_else(|| Failure::run("the answer has no spec"))?;
    let value = match output {
        Output::Spec => serde_json::from_slice(&spec.value).map_err(Failure::run)?,
        Output::Any => any(spec),
        Output::Response => json!({
            "spec": any(spec),
            "image": response.image.as_ref().map(image),
            "warnings": response.warnings,
        }),
    };
    serde_json::to_string_pretty(&value).map_err(Failure::run)
}

fn any(spec: &prost_types::Any) -> Value {
    json!({ "typeUrl": spec.type_url, "value": STANDARD.encode(&spec.value) })
}

fn image(image: &pb::Image) -> Value {
    let platform = image.platform.clone().unwrap_or_default();
    let labels: std::collections::BTreeMap<_, _> = image.labels.iter().collect();
    json!({
        "name": image.name,
        "digest": image.digest,
        "manifestDigest": image.manifest_digest,
        "configDigest": image.config_digest,
        "platform": {
            "os": platform.os,
            "architecture": platform.architecture,
            "variant": platform.variant,
        },
        "chainId": image.chain_id,
        "exposedPorts": image.exposed_ports,
        "volumes": image.volumes,
        "stopSignal": image.stop_signal,
        "labels": labels,
    })
}
