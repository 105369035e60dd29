//! Flags that take options out of files.

use clap::Args;

/// Every option there is, out of files; what a flag of its own says comes after them.
#[derive(Debug, Clone, Default, Args)]
pub struct OptionFileArgs {
    /// A file with options, a specd.v1.SpecOptions in protobuf's JSON; - is the standard input
    #[arg(long, value_name = "FILE", env = "SPECD_OPTIONS")]
    pub options: Option<String>,
    /// A file with a JSON merge patch on the finished spec; - is the standard input
    #[arg(long, value_name = "FILE", env = "SPECD_SPEC_MERGE_PATCH")]
    pub spec_merge_patch: Option<String>,
}
