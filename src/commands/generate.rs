//! `specd generate`: the runtime spec of an image, from a server or from a service in this process.

use crate::api::pb::specd as pb;
use crate::commands::request::RequestArgs;
use crate::commands::{Failure, messages, print_json, warn};
use clap::{Args, ValueEnum};
use serde_json::Value;

/// The output of `generate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// The spec as JSON, which can be the config.json of a bundle
    Spec,
    /// The Any: its type URL, and its value in base64
    Any,
    /// The whole response as protobuf's JSON, with the encoding JSON
    Response,
}

/// Flags of `generate`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  specd generate nginx:1.27 --namespace default --id web-1\n  \
                  specd generate app --oci-layout ./layout --env DEBUG=1 -- /bin/app --verbose \
                  > bundle/config.json")]
pub struct GenerateArgs {
    /// What to print
    #[arg(long, value_name = "WHAT", env = "SPECD_OUTPUT", default_value = "spec")]
    output: Output,
    #[command(flatten)]
    pub(super) request: RequestArgs,
}

pub(super) fn run(args: GenerateArgs) -> Result<(), Failure> {
    let GenerateArgs { output, request } = args;
    let (mut request, service) = request.prepare()?;
    if output == Output::Response {
        request.set_encoding(pb::Encoding::Json);
    }
    let response =
        service.call(async |mut client| Ok(client.generate(request).await?.into_inner()))?;
    if output == Output::Response {
        return print_json(&response_json(&response)?);
    }
    warn(&response.warnings);
    let spec = response.spec.ok_or_else(|| Failure::run("the response has no spec"))?;
    match output {
        Output::Any => print_json(&messages::any(&spec)),
        Output::Spec | Output::Response => {
            print_json(&serde_json::from_slice::<Value>(&spec.value).map_err(Failure::run)?)
        }
    }
}

/// The whole response, in which the encoding is JSON.
pub(super) fn response_json(response: &pb::GenerateResponse) -> Result<Value, Failure> {
    let mut json = messages::print("GenerateResponse", response)?;
    for labels in ["/container/labels", "/container/snapshot/labels"] {
        if let Some(Value::Object(labels)) = json.pointer_mut(labels) {
            labels.sort_keys();
        }
    }
    Ok(json)
}
