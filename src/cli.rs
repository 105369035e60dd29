//! The command line: every flag, typed, with its environment variable.
//!
//! The only place that reads the environment. What the flags mean together is `config`'s; what the
//! commands do is `commands`'.

mod ask;
pub mod effective;
pub mod explain;
pub mod host;
pub mod limits;
pub mod listening;
pub mod observe;
pub mod option_files;
pub mod profiles;
pub mod tasks;
pub mod tls;
pub mod validate;

use crate::cli::explain::ExplainArgs;
use crate::cli::host::{HostArgs, HostFactsArgs};
use crate::cli::limits::LimitArgs;
use crate::cli::listening::ListenArgs;
use crate::cli::observe::ObserveArgs;
use crate::cli::profiles::ProfileArgs;
use crate::cli::tasks::{ProcessArgs, ResourcesArgs};
use crate::cli::tls::{ClientTlsArgs, TlsArgs};
use crate::cli::validate::ValidateArgs;
pub use ask::{AskArgs, OptionArgs};

use crate::domain::request::DEFAULT_PROFILE;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Where containerd listens.
pub const CONTAINERD: &str = "/run/containerd/containerd.sock";

/// Where `serve` listens and where the clients look for it.
pub const SERVER: &str = "tcp://127.0.0.1:50051";

/// OCI runtime specs as a service, beside containerd.
#[derive(Debug, Parser)]
#[command(version, about, long_about = None, propagate_version = true, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve specd.v1.SpecService over gRPC until SIGTERM
    #[command(after_help = "Example:\n  specd serve --listen unix:///run/specd/specd.sock \
                            --containerd /run/containerd/containerd.sock")]
    Serve(Box<ServeArgs>),
    /// Print the runtime spec of an image
    #[command(
        after_help = "Examples:\n  specd generate nginx:1.27 --namespace default --id web-1\n  \
                            specd generate app --oci-layout ./layout --env DEBUG=1 -- /bin/app --verbose \
                            > bundle/config.json"
    )]
    Generate(Box<GenerateArgs>),
    /// Print for each field of an image's spec who set it and what it replaced
    #[command(after_help = explain::EXAMPLES)]
    Explain(Box<ExplainArgs>),
    /// Print the process of an exec in a container that is there
    #[command(
        after_help = "Example:\n  specd process web-1 --user app --env DEBUG=1 -- /bin/sh -c id"
    )]
    Process(Box<ProcessArgs>),
    /// Print limits for a container that runs
    #[command(after_help = "Example:\n  specd resources --memory-limit 67108864 --pids-limit 64")]
    Resources(ResourcesArgs),
    /// List the profiles, or print one as JSON
    #[command(
        after_help = "Examples:\n  specd profiles containerd-2.4\n  specd profiles --profiles-dir /etc/specd/profiles"
    )]
    Profiles(ProfilesArgs),
    /// Check a runtime spec before a runtime does; exit code 1 means that it breaks a rule
    #[command(after_help = validate::EXAMPLES)]
    Validate(ValidateArgs),
    /// Print the facts of this machine, for --host-facts on another
    #[command(after_help = "Example:\n  specd host-facts > node.json\n  \
                            specd generate app --oci-layout ./layout --host-facts node.json")]
    HostFacts(HostFactsArgs),
    /// Ask a server for its health; exit code 0 means SERVING
    #[command(after_help = "Example:\n  specd health --server unix:///run/specd/specd.sock \
                            --service specd.v1.SpecService")]
    Health(HealthArgs),
}

/// Where images come from: containerd, unless a layout is named.
#[derive(Debug, Clone, Args)]
pub struct SourceArgs {
    /// containerd's socket
    #[arg(long, value_name = "PATH", env = "SPECD_CONTAINERD", default_value = CONTAINERD)]
    pub containerd: PathBuf,
    /// An OCI image layout directory instead of containerd
    #[arg(long, value_name = "DIR", env = "SPECD_OCI_LAYOUT")]
    pub oci_layout: Option<PathBuf>,
    /// The platform to take from an index, as linux/arm64/v8 [default: this machine's]
    #[arg(long, value_name = "PLATFORM", env = "SPECD_PLATFORM")]
    pub platform: Option<String>,
    /// The machine that will run the container.
    #[command(flatten)]
    pub host: HostArgs,
}

/// Whether and how snapshots are read, where the layers of an image are not in the content store.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Snapshots")]
pub struct SnapshotArgs {
    /// The directory below which snapshots may be read, as /var/lib/containerd [default: none may]
    #[arg(long, value_name = "DIR", env = "SPECD_SNAPSHOT_ROOT")]
    pub snapshot_root: Option<PathBuf>,
    /// The longest that a snapshot may be read; what a crash leaves behind lasts twice as long
    #[arg(long, value_name = "DURATION", env = "SPECD_SNAPSHOT_TIMEOUT", default_value = "60s")]
    pub snapshot_timeout: humantime::Duration,
}

/// How to log.
#[derive(Debug, Clone, Args)]
pub struct LogArgs {
    /// What to log: error, warn, info, debug, trace, or a filter by module
    #[arg(long, value_name = "FILTER", env = "SPECD_LOG", default_value = "info")]
    pub log: String,
    /// The form of the log, which goes to standard error
    #[arg(long, value_name = "FORMAT", env = "SPECD_LOG_FORMAT", default_value = "text")]
    pub log_format: LogFormat,
}

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// A line for people
    Text,
    /// A JSON object a line
    Json,
}

/// Flags of `serve`.
#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    /// Where to listen.
    #[command(flatten)]
    pub listening: ListenArgs,
    /// How TLS is spoken.
    #[command(flatten)]
    pub tls: TlsArgs,
    /// Refuse clients that send a unix socket's path as the authority, instead of mending it
    #[arg(long, env = "SPECD_NO_AUTHORITY_FILTER")]
    pub no_authority_filter: bool,
    /// Where images come from.
    #[command(flatten)]
    pub source: SourceArgs,
    /// The profile of a request that names none
    #[arg(long, value_name = "NAME", env = "SPECD_DEFAULT_PROFILE", default_value = DEFAULT_PROFILE)]
    pub default_profile: String,
    /// Where profiles come from.
    #[command(flatten)]
    pub profiles: ProfileArgs,
    /// How much to remember of what was read by digest, in bytes
    #[arg(long, value_name = "BYTES", env = "SPECD_CACHE_BYTES", default_value_t = 64 << 20)]
    pub cache_bytes: u64,
    /// What clients may take at most.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// Where it tells what it does.
    #[command(flatten)]
    pub observe: ObserveArgs,
    /// How to log.
    #[command(flatten)]
    pub log: LogArgs,
    /// Whose snapshots are read for a request that does not say
    #[arg(long, value_name = "NAME", env = "SPECD_SNAPSHOTTER", default_value = crate::domain::snapshot::DEFAULT_SNAPSHOTTER, help_heading = "Snapshots")]
    pub snapshotter: String,
    /// Whether and how snapshots are read.
    #[command(flatten)]
    pub snapshots: SnapshotArgs,
}

/// What `generate` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// The spec as JSON, ready to be a bundle's config.json
    Spec,
    /// The Any: its type URL and its value in base64
    Any,
    /// The whole answer: spec, image and warnings
    Response,
}

/// Flags of `generate`.
#[derive(Debug, Clone, Args)]
pub struct GenerateArgs {
    /// Of what the spec is made.
    #[command(flatten)]
    pub ask: AskArgs,
    /// What to print
    #[arg(long, value_name = "WHAT", env = "SPECD_OUTPUT", default_value = "spec")]
    pub output: Output,
}

/// Flags of `profiles`.
#[derive(Debug, Clone, Args)]
pub struct ProfilesArgs {
    /// The profile to print
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    /// Where profiles come from.
    #[command(flatten)]
    pub profiles: ProfileArgs,
}

/// Flags of `health`.
#[derive(Debug, Clone, Args)]
pub struct HealthArgs {
    /// The server.
    #[arg(long, help = "The server to ask: unix:///PATH, tcp://HOST:PORT or https://HOST:PORT", value_name = "ADDRESS", env = "SPECD_SERVER", default_value = SERVER)]
    pub server: String,
    /// The service to ask about; empty for the server as a whole
    #[arg(long, value_name = "NAME", env = "SPECD_SERVICE", default_value = "")]
    pub service: String,
    /// How a server is asked over TLS.
    #[command(flatten)]
    pub tls: ClientTlsArgs,
    /// How long to wait for the answer
    #[arg(long, value_name = "DURATION", env = "SPECD_TIMEOUT", default_value = "3s")]
    pub timeout: humantime::Duration,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

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
    fn what_follows_two_dashes_is_the_command() {
        let cli = Cli::parse_from(["specd", "generate", "app", "--env", "A=1", "--", "sh", "--id"]);
        let Command::Generate(args) = cli.command else { panic!("not generate") };
        assert_eq!(args.ask.command, ["sh", "--id"]);
        assert_eq!(args.ask.options.env, ["A=1"]);
    }
}
