//! Flags of `validate`.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// What a reader tries first.
pub(crate) const EXAMPLES: &str = "Examples:\n  specd validate bundle/config.json\n  specd generate nginx \
| specd validate -\n  specd validate --rules";

/// How `validate` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// A few lines for each broken rule
    Text,
    /// One JSON object
    Json,
}

/// Flags of `validate`.
#[derive(Debug, Clone, Args)]
pub struct ValidateArgs {
    /// The spec, as a bundle's config.json, or its Any as JSON; - for standard input
    #[arg(value_name = "FILE", required_unless_present = "rules")]
    pub file: Option<PathBuf>,
    /// List the rules and who refuses what breaks them, instead
    #[arg(long, env = "SPECD_RULES", conflicts_with = "file")]
    pub rules: bool,
    /// How to print
    #[arg(long, value_name = "FORMAT", env = "SPECD_VALIDATE_OUTPUT", default_value = "text")]
    pub output: Output,
}
