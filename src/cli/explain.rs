//! Flags of `explain`.

use crate::cli::AskArgs;
use clap::{Args, ValueEnum};

/// What `--help` shows at its end.
pub(super) const EXAMPLES: &str = "Examples:\n  specd explain nginx:1.27 --env DEBUG=1\n  \
    specd explain nginx --profile docker --output json | jq '.fields[] | select(.removed)'\n  \
    specd explain nginx --diff containerd-1.7 containerd-2.4\n  \
    specd explain nginx --diff before.json after.json";

/// Flags of `explain`.
#[derive(Debug, Clone, Args)]
pub struct ExplainArgs {
    /// Of what the spec is made.
    #[command(flatten)]
    pub ask: AskArgs,
    /// The form of what is printed
    #[arg(long, value_name = "FORM", env = "SPECD_EXPLAIN_OUTPUT", default_value = "text")]
    pub output: ExplainOutput,
    /// Show only how two specs of the image differ, and still end with 0. A and B are profiles, or files with a
    /// request each in protobuf's JSON: what has a / in it or ends in .json is a file. A file without image, namespace,
    /// id or profile gets them from the command line. The variable has A,B
    #[arg(long, num_args = 1..=2, value_names = ["A", "B"], value_delimiter = ',', env = "SPECD_DIFF")]
    pub diff: Vec<String>,
}

/// What `explain` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExplainOutput {
    /// A table for people
    Text,
    /// The answer as JSON
    Json,
}
