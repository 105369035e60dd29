//! `specd resources`: resource limits for a running container. No server is needed.

use crate::api::pb::specd as pb;
use crate::api::{self, response, status};
use crate::commands::Failure;
use crate::commands::flag_values::switch;
use crate::commands::options::ResourceArgs;
use crate::commands::process::Output;
use crate::domain::encoding::Encoding;
use crate::spec::update::encode_resources;
use clap::Args;

/// Flags of `resources`; at least one limit is required.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:\n  specd resources --memory 64m --pids-limit 64")]
pub struct ResourcesArgs {
    #[command(flatten)]
    limits: ResourceArgs,
    /// Print the Any, its type URL and its value in base64, instead of the JSON
    #[arg(long, env = "SPECD_ANY", value_parser = switch())]
    any: bool,
}

pub(super) fn run(args: ResourcesArgs) -> Result<(), Failure> {
    let ResourcesArgs { limits, any } = args;
    let resources = Some(limits.options().unwrap_or_default());
    let options = pb::UpdateOptions { resources };
    let request = pb::GenerateResourcesRequest { options: Some(options), ..Default::default() };
    let request = api::request::update(request).map_err(|wrong| status::of(&wrong.into()))?;
    let limits = encode_resources(&request.resources).map_err(|error| status::of(&error.into()))?;
    let output = if any { Output::Any } else { Output::Json };
    output.print(response::resources(limits, Encoding::Any).resources)
}
