//! `specd host-facts`: the facts of this machine, for specs that are made on another.

use crate::commands::source::DevRootArgs;
use crate::commands::{Failure, print_json};
use crate::host::stated;
use clap::Args;
use std::path::PathBuf;

/// Flags of `host-facts`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:\n  specd host-facts > node.json\n  \
                        specd generate app --oci-layout ./layout --host-facts node.json")]
pub struct HostFactsArgs {
    #[command(flatten)]
    devices: DevRootArgs,
    /// A file with what `runc features` prints, which becomes one of the facts
    #[arg(long, value_name = "FILE", env = "SPECD_RUNTIME_FEATURES")]
    runtime_features: Option<PathBuf>,
}

pub(super) fn run(args: HostFactsArgs) -> Result<(), Failure> {
    let features = args.runtime_features.as_deref().map(stated::read_runtime_features);
    let features = features.transpose()?;
    let root = args.devices.dev_root;
    let devices = root.join("dev");
    let facts = stated::of_this_machine(root, features).map_err(|error| {
        Failure::run(format_args!("--dev-root: cannot list {}: {error}", devices.display()))
    })?;
    print_json(&facts)
}
