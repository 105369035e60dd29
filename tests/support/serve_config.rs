//! The limits of the transport that `specd serve` has without flags.

use clap::Parser;
use specd::commands::{Cli, Command};
use specd::server::serve::ServeConfig;

pub(crate) fn serve_config() -> ServeConfig {
    let Command::Serve(args) = Cli::parse_from(["specd", "serve"]).command else {
        panic!("not serve")
    };
    args.limits.serve_config()
}
