//! `specd explain`: where each field of a spec comes from, and how two specs differ.

mod diff;
mod json;
mod requests;
mod table;

use crate::api::pb::specd as pb;
use crate::cli::explain::{ExplainArgs, ExplainOutput};
use crate::commands::{Failure, ask, block_on, install_logs, print};
use diff::Side;
use requests::Asked;
use std::io::Write;

pub(crate) fn run(args: ExplainArgs) -> Result<(), Failure> {
    let ExplainArgs { ask, output, diff } = args;
    install_logs(&ask.log, None)?;
    let asked = requests::of(&ask, &diff)?;
    let text = block_on(async {
        let mut answerer = ask::open(&ask).await?;
        match asked {
            Asked::One(request) => one(&answerer.explain(*request).await?, output),
            Asked::Two(both) => {
                let [(a, one), (b, other)] = *both;
                let (one, other) = (answerer.explain(one).await?, answerer.explain(other).await?);
                two(&Side::new(&a, &one)?, &Side::new(&b, &other)?, output)
            }
        }
    })?;
    print(&text)
}

fn one(answer: &pb::ExplainResponse, output: ExplainOutput) -> Result<String, Failure> {
    if output == ExplainOutput::Json {
        return pretty(&json::response(answer));
    }
    for warning in answer.generated.iter().flat_map(|generated| &generated.warnings) {
        let _ = writeln!(std::io::stderr(), "warning: {warning}");
    }
    Ok(table::of(&answer.fields, table::width()))
}

fn two(a: &Side<'_>, b: &Side<'_>, output: ExplainOutput) -> Result<String, Failure> {
    match output {
        ExplainOutput::Json => pretty(&diff::json(a, b)),
        ExplainOutput::Text => Ok(diff::text(a, b, table::width())),
    }
}

fn pretty(value: &serde_json::Value) -> Result<String, Failure> {
    serde_json::to_string_pretty(value).map_err(Failure::run)
}
