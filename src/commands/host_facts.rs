//! `specd host-facts`.

use crate::cli::host::HostFactsArgs;
use crate::commands::{Failure, print};
use crate::host::stated;

pub(crate) fn run(args: HostFactsArgs) -> Result<(), Failure> {
    if !args.dev_root.is_absolute() {
        return Err(Failure::usage("--dev-root: must be an absolute path"));
    }
    let facts = stated::of_this_machine(args.dev_root);
    let facts = facts.map_err(|error| Failure::run(format_args!("/dev: {error}")))?;
    print(&serde_json::to_string_pretty(&facts).map_err(Failure::run)?)
}
