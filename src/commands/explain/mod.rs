//! `specd explain`: where each field of a spec comes from, and how two specs differ.

mod diff;
mod html;
mod requests;
mod table;

use crate::api::pb::specd as pb;
use crate::commands::request::RequestArgs;
use crate::commands::{Failure, generate, messages, print, print_json, warn};
use clap::{Args, ValueEnum};
use diff::Side;
use requests::Requests;
use serde_json::{Value, json};

/// The form of an explanation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Text for people
    Text,
    /// JSON for programs
    Json,
    /// One page of HTML, which needs no network
    Html,
}

/// Flags of `explain`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  specd explain nginx:1.27 --env DEBUG=1\n  \
                  specd explain nginx --profile docker --output json | jq '.fields[] | select(.removed)'\n  \
                  specd explain nginx --diff containerd-1.7 containerd-2.4\n  \
                  specd explain nginx --diff before.json after.json\n  \
                  specd explain nginx --output html > nginx.html")]
pub struct ExplainArgs {
    /// The form of the output
    #[arg(long, value_name = "FORM", env = "SPECD_EXPLAIN_OUTPUT", default_value = "text")]
    output: Form,
    /// Show only how two specs of the image differ; a difference is not a failure. A and B are profiles, or files with
    /// a request each in protobuf's JSON: a value with a / in it, or that ends in .json, is a file. A file without
    /// image, namespace, id or profile gets them from the command line. In the variable, write A,B
    #[arg(long, num_args = 1..=2, value_names = ["A", "B"], value_delimiter = ',', env = "SPECD_DIFF")]
    diff: Vec<String>,
    #[command(flatten)]
    request: RequestArgs,
}

pub(super) fn run(args: ExplainArgs) -> Result<(), Failure> {
    let ExplainArgs { output, diff, request } = args;
    let (mut request, service) = request.prepare()?;
    request.set_encoding(pb::Encoding::Json);
    let requests = Requests::new(request, &diff)?;
    service.call(async |mut client| {
        let mut explain = async |request| {
            let request = pb::ExplainRequest { request: Some(request) };
            Ok::<_, Failure>(client.explain(request).await?.into_inner())
        };
        match requests {
            Requests::One(request) => print_one(explain(*request).await?, output),
            Requests::Two(both) => {
                let [(a, one), (b, other)] = *both;
                let (one, other) = (explain(one).await?, explain(other).await?);
                print_two(&Side::new(&a, &one)?, &Side::new(&b, &other)?, output)
            }
        }
    })
}

fn print_one(answer: pb::ExplainResponse, output: Form) -> Result<(), Failure> {
    match output {
        Form::Json => {
            let pb::ExplainResponse { generated, fields } = answer;
            let generated = generated.as_ref().map(generate::response_json).transpose()?;
            let fields = pb::ExplainResponse { generated: None, fields };
            let mut json = messages::print("ExplainResponse", &fields)?;
            let fields = json.get_mut("fields").map(Value::take);
            print_json(&json!({ "generated": generated, "fields": fields }))
        }
        Form::Text => {
            warn(&answer.generated.map(|generated| generated.warnings).unwrap_or_default());
            print(&table::render(&answer.fields, table::width()))
        }
        Form::Html => print(&html::tree(&answer)),
    }
}

fn print_two(a: &Side<'_>, b: &Side<'_>, output: Form) -> Result<(), Failure> {
    match output {
        Form::Json => print_json(&diff::json(a, b)?),
        Form::Text => print(&diff::text(a, b, table::width())),
        Form::Html => print(&html::difference(a, b)),
    }
}
