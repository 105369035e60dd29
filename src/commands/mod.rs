//! What each command does. Flags come from `cli`; printing ends here.

mod ask;
mod client;
mod explain;
mod generate;
mod health;
mod host_facts;
mod option_files;
mod profiles;
mod progress;
mod proto_json;
mod serve;
mod tasks;
mod validate;

use crate::app::AppError;
use crate::app::profiles::LoadError;
use crate::cli::{Cli, Command, LogArgs, LogFormat};
use crate::telemetry::traces::Traces;
use crate::telemetry::{Format, Telemetry, Verbosity};
use std::fmt::Display;
use std::future::Future;
use std::io::Write;

/// Why a command failed, in a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// What was typed is wrong.
    #[error("{0}")]
    Usage(String),
    /// What was to be done went wrong.
    #[error("{0}")]
    Run(String),
}

impl Failure {
    fn usage(error: impl Display) -> Self {
        Self::Usage(error.to_string())
    }

    fn run(error: impl Display) -> Self {
        Self::Run(error.to_string())
    }
}

/// Runs a command to its end.
///
/// # Errors
///
/// A [`Failure`], which says whether the words or the deed were at fault.
pub fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        Command::Serve(args) => serve::run(&args),
        Command::Generate(args) => generate::run(*args),
        Command::Explain(args) => explain::run(*args),
        Command::Process(args) => tasks::process(*args),
        Command::Resources(args) => tasks::resources(args),
        Command::Profiles(args) => profiles::run(&args),
        Command::Validate(args) => validate::run(&args),
        Command::HostFacts(args) => host_facts::run(args),
        Command::Health(args) => health::run(&args),
    }
}

/// Profiles that cannot be used, by the flag that names them.
fn unusable(error: LoadError) -> Failure {
    Failure::usage(AppError::Profiles(error))
}

fn install_logs(args: &LogArgs, traces: Option<&Traces>) -> Result<Verbosity, Failure> {
    let format = match args.log_format {
        LogFormat::Text => Format::Text,
        LogFormat::Json => Format::Json,
    };
    let telemetry = Telemetry { format, filter: args.log.clone() };
    telemetry.install(traces).map_err(|error| Failure::usage(format_args!("--log: {error}")))
}

fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(Failure::run)?;
    let result = runtime.block_on(work);
    // A thread that still decompresses must not hold the exit.
    runtime.shutdown_background();
    result
}

/// Writes to standard output; a reader that has gone away is no failure.
fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::run(format_args!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}
