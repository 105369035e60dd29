//! `specd generate`: the same call that a client makes, to a server or to a service in this process.

use crate::api::pb::specd as pb;
use crate::cli::{GenerateArgs, Output};
use crate::commands::{Failure, ask, block_on, install_logs, print};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::io::Write;

pub(crate) fn run(args: GenerateArgs) -> Result<(), Failure> {
    let GenerateArgs { ask, output } = args;
    install_logs(&ask.log, None)?;
    let response = block_on(async { ask::open(&ask).await?.generate(ask::request(&ask)?).await })?;
    if output != Output::Response {
        for warning in &response.warnings {
            let _ = writeln!(std::io::stderr(), "warning: {warning}");
        }
    }
    print(&render(&response, output)?)
}

fn render(response: &pb::GenerateResponse, output: Output) -> Result<String, Failure> {
    let spec = response.spec.as_ref().ok_or_else(|| Failure::run("the answer has no spec"))?;
    let value = match output {
        Output::Spec => serde_json::from_slice(&spec.value).map_err(Failure::run)?,
        Output::Any => any(spec),
        Output::Response => whole(response),
    };
    serde_json::to_string_pretty(&value).map_err(Failure::run)
}

/// The whole answer as JSON.
pub(super) fn whole(response: &pb::GenerateResponse) -> Value {
    json!({
        "spec": response.spec.as_ref().map(any),
        "image": response.image.as_ref().map(image),
        "warnings": response.warnings,
    })
}

/// An `Any` as JSON.
pub(super) fn any(spec: &prost_types::Any) -> Value {
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
