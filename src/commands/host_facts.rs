//! `specd host-facts`: the facts of this machine, for specs that are made on another.

use crate::commands::source::DevRootArgs;
use crate::commands::{Failure, print_json};
use crate::host::stated;
use clap::Args;

/// Flags of `host-facts`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:\n  specd host-facts > node.json\n  \
                        specd generate app --oci-layout ./layout --host-facts node.json")]
pub struct HostFactsArgs {
    #[command(flatten)]
    devices: DevRootArgs,
}

pub(super) fn run(args: HostFactsArgs) -> Result<(), Failure> {
    let facts = stated::of_this_machine(args.devices.dev_root);
    print_json(&facts.map_err(|error| Failure::run(format_args!("/dev: {error}")))?)
}
