//! The command `specd`: parse, run, exit code.

use specd::commands::{self, Failure};
use std::io::Write;
use std::process::ExitCode;

/// The allocator returns memory to the system after a large request; that of glibc keeps it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match commands::run_command_line() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // If stderr is closed, nothing can be reported.
            let _ = writeln!(std::io::stderr(), "error: {failure}");
            match failure {
                Failure::Usage(_) => ExitCode::from(2),
                Failure::Run(_) => ExitCode::FAILURE,
            }
        }
    }
}
