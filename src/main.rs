//! The command `specd`: parse, run, exit code.

use clap::Parser;
use specd::cli::Cli;
use specd::commands::{self, Failure};
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match commands::run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // There is no way to report that stderr is closed.
            let _ = writeln!(std::io::stderr(), "error: {failure}");
            match failure {
                Failure::Usage(_) => ExitCode::from(2),
                Failure::Run(_) => ExitCode::FAILURE,
            }
        }
    }
}
