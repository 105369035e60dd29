//! The command line: one file for each command, with its flags, their checks and its run.
//!
//! A flag is checked while it is parsed, by the type or the parser of its field. Only this module reads the
//! environment and writes to standard output.

mod client;
mod completions;
mod explain;
mod flag_values;
mod generate;
mod health;
mod host_facts;
mod ignored_flags;
mod logging;
mod messages;
mod options;
mod process;
mod profile_files;
mod profiles;
mod progress;
mod request;
mod resources;
pub mod serve;
mod service;
pub mod source;
mod unknown_words;
mod validate;
mod variables;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use serde::Serialize;
use std::ffi::OsString;
use std::fmt::Display;
use std::future::Future;
use std::io::Write;
use tokio::runtime::Runtime;

/// The address that `serve` listens on and that clients call by default.
const SERVER: &str = "tcp://127.0.0.1:50051";

/// OCI runtime specs as a service, beside containerd.
#[derive(Debug, Parser)]
#[command(version, about, long_about = None, propagate_version = true, arg_required_else_help = true)]
pub struct Cli {
    /// The command to run.
    #[command(subcommand)]
    pub command: Command,
}

/// The command to run.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve specd.v1.SpecService over gRPC until SIGTERM
    Serve(Box<serve::ServeArgs>),
    /// Print the runtime spec of an image
    Generate(Box<generate::GenerateArgs>),
    /// Print for each field of an image's spec what set it and what that replaced
    Explain(Box<explain::ExplainArgs>),
    /// Print the process of an exec in an existing container
    Process(Box<process::ProcessArgs>),
    /// Print resource limits for a running container
    Resources(Box<resources::ResourcesArgs>),
    /// List the profiles, or print one as JSON
    Profiles(profiles::ProfilesArgs),
    /// Check a runtime spec before a runtime does; exit code 1 means that it breaks a rule
    Validate(validate::ValidateArgs),
    /// Print the facts of this machine, for --host-facts on another
    HostFacts(host_facts::HostFactsArgs),
    /// Ask a server for its health; exit code 0 means SERVING
    Health(health::HealthArgs),
    /// Print the completions of a shell: what the Tab key offers
    Completions(completions::CompletionsArgs),
    /// Write a manual page for each command into a directory
    ManPages(completions::ManPagesArgs),
}

/// The form of a command's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Text for people
    Text,
    /// JSON for programs
    Json,
}

/// Why a command failed, in a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The arguments are wrong.
    #[error("{0}")]
    Usage(String),
    /// The arguments are right, and the command failed.
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

/// A text that was read from a file, or from standard input; an error begins with `start`, for example a flag.
///
/// A file that cannot be read is a failure of this machine; one that has no text is wrong on every machine.
fn text_of(start: &str, file: &str, read: std::io::Result<String>) -> Result<String, Failure> {
    read.map_err(|error| {
        if error.kind() == std::io::ErrorKind::InvalidData {
            return Failure::usage(format_args!("{start}{file} is not UTF-8 text"));
        }
        Failure::run(format_args!("{start}cannot read {file}: {error}"))
    })
}

/// Runs the command of this process to its end; ends the process for `--help`, and for words that do not parse.
///
/// # Errors
///
/// A [`Failure`], which says whether the arguments are wrong.
pub fn run_command_line() -> Result<(), Failure> {
    let words: Vec<OsString> = std::env::args_os().collect();
    let command = Cli::command();
    let matches = variables::parse(&command, &words)
        .unwrap_or_else(|error| unknown_words::explained(error).exit());
    ignored_flags::refuse(&matches)
        .and_then(|()| run(Cli::from_arg_matches(&matches).map_err(Failure::usage)?))
        .map_err(|failure| variables::named(failure, &command, &matches))
}

fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        Command::Serve(args) => serve::run(*args),
        Command::Generate(args) => generate::run(*args),
        Command::Explain(args) => explain::run(*args),
        Command::Process(args) => process::run(*args),
        Command::Resources(args) => resources::run(*args),
        Command::Profiles(args) => profiles::run(args),
        Command::Validate(args) => validate::run(args),
        Command::HostFacts(args) => host_facts::run(args),
        Command::Health(args) => health::run(args),
        Command::Completions(args) => completions::run(&args),
        Command::ManPages(args) => completions::write_man_pages(args),
    }
}

fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = Runtime::new().map_err(Failure::run)?;
    let result = runtime.block_on(work);
    // A thread that still decompresses must not delay the exit.
    runtime.shutdown_background();
    result
}

/// Writes to standard output; a reader that has closed its end is not a failure.
fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::run(format_args!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    print(&serde_json::to_string_pretty(value).map_err(Failure::run)?)
}

/// Writes warnings to standard error.
fn warn(warnings: &[String]) {
    for warning in warnings {
        let _ = writeln!(std::io::stderr(), "warning: {warning}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_holds() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_flag_has_an_environment_variable_and_every_command_an_example() {
        for command in Cli::command().get_subcommands() {
            let name = command.get_name();
            assert!(command.get_after_help().is_some(), "{name} has no example");
            for flag in command.get_opts() {
                let variable = flag.get_env().and_then(|name| name.to_str());
                assert!(
                    variable.is_some_and(|name| name.starts_with("SPECD_")),
                    "{name} {flag} has no environment variable"
                );
                assert!(flag.get_help().is_some(), "{name} {flag} has no help");
            }
        }
    }

    #[test]
    fn arguments_after_two_dashes_are_the_command() {
        let cli = Cli::parse_from(["specd", "generate", "app", "--env", "A=1", "--", "sh", "--id"]);
        let Command::Generate(args) = cli.command else { panic!("not generate") };
        assert_eq!(args.request.command, ["sh", "--id"]);
        assert_eq!(args.request.options.process.env, ["A=1"]);
    }
}
