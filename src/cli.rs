//! The command line: every flag, typed, with its environment variable.
//!
//! The only place that reads the environment. What the flags mean together is `config`'s; what the
//! commands do is `commands`'.

pub mod listening;
pub mod tls;

use crate::cli::listening::ListenArgs;
use crate::cli::tls::{ClientTlsArgs, TlsArgs};
pub mod effective;
pub mod host;
pub mod limits;
pub mod observe;

use crate::cli::host::{HostArgs, HostFactsArgs};
use crate::cli::limits::LimitArgs;
use crate::cli::observe::ObserveArgs;
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
    /// List the profiles, or print one as JSON
    #[command(after_help = "Example:\n  specd profiles containerd-2.4")]
    Profiles(ProfilesArgs),
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
    /// The image, as stored or by a familiar name
    #[arg(value_name = "IMAGE")]
    pub image: String,
    /// The arguments to run instead of the image's Cmd
    #[arg(value_name = "COMMAND", last = true)]
    pub command: Vec<String>,
    /// The containerd namespace
    #[arg(long, value_name = "NS", env = "SPECD_NAMESPACE", default_value = "default")]
    pub namespace: String,
    /// The container's id
    #[arg(long, value_name = "ID", env = "SPECD_ID", default_value = "specd")]
    pub id: String,
    /// The profile to start from
    #[arg(long, value_name = "NAME", env = "SPECD_PROFILE", default_value = "")]
    pub profile: String,
    /// Where images come from.
    #[command(flatten)]
    pub source: SourceArgs,
    /// A running server.
    #[arg(
        long,
        help = "A running server to ask, instead of reading images here: unix:///PATH, tcp://HOST:PORT or https://HOST:PORT",
        value_name = "ADDRESS",
        env = "SPECD_SERVER",
        conflicts_with = "oci_layout"
    )]
    pub server: Option<String>,
    /// How a server is asked over TLS.
    #[command(flatten)]
    pub tls: ClientTlsArgs,
    /// What to print
    #[arg(long, value_name = "WHAT", env = "SPECD_OUTPUT", default_value = "spec")]
    pub output: Output,
    /// What to change.
    #[command(flatten)]
    pub options: OptionArgs,
    /// How to log.
    #[command(flatten)]
    pub log: LogArgs,
    /// Whose snapshots are read [default: overlayfs, or what the server says]
    #[arg(long, value_name = "NAME", env = "SPECD_SNAPSHOTTER", help_heading = "Snapshots")]
    pub snapshotter: Option<String>,
    /// Users and groups from this snapshot, as a container's own, instead of the image
    #[arg(long, value_name = "KEY", env = "SPECD_SNAPSHOT_KEY", help_heading = "Snapshots")]
    pub snapshot_key: Option<String>,
    /// Whether and how snapshots are read, in this process.
    #[command(flatten)]
    pub snapshots: SnapshotArgs,
}

/// Flags of `generate` that change the spec.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Changes to the spec")]
pub struct OptionArgs {
    /// The executable to run instead of the image's Entrypoint and Cmd
    #[arg(long, value_name = "PROGRAM", env = "SPECD_ENTRYPOINT")]
    pub entrypoint: Option<String>,
    /// Set an environment variable with KEY=value, unset it with KEY; may be given several times
    #[arg(long, value_name = "KEY[=VALUE]", env = "SPECD_ENV")]
    pub env: Vec<String>,
    /// The working directory
    #[arg(long, value_name = "PATH", env = "SPECD_CWD")]
    pub cwd: Option<String>,
    /// The user, as user, uid, user:group, uid:gid, uid:group or user:gid
    #[arg(long, value_name = "USER", env = "SPECD_USER")]
    pub user: Option<String>,
    /// A group to add, by name or gid; may be given several times
    #[arg(long, value_name = "GROUP", env = "SPECD_GROUP")]
    pub group: Vec<String>,
    /// The host name
    #[arg(long, value_name = "NAME", env = "SPECD_HOSTNAME")]
    pub hostname: Option<String>,
    /// Attach a terminal
    #[arg(long, env = "SPECD_TERMINAL")]
    pub terminal: bool,
    /// Whether the root is read-only
    #[arg(long, value_name = "BOOL", env = "SPECD_READ_ONLY", num_args = 0..=1, default_missing_value = "true")]
    pub read_only: Option<bool>,
    /// A device of the host, or a directory of them; may be given several times
    #[arg(long, value_name = "PATH[:PATH[:rwm]]", env = "SPECD_DEVICE")]
    pub device: Vec<String>,
    /// A CDI device by its fully qualified name; may be given several times
    #[arg(long, value_name = "VENDOR/CLASS=NAME", env = "SPECD_CDI_DEVICE")]
    pub cdi_device: Vec<String>,
    /// Mount the host's resolv.conf and hosts file
    #[arg(long, env = "SPECD_VM_NETWORK")]
    pub vm_network: bool,
}

/// Flags of `profiles`.
#[derive(Debug, Clone, Args)]
pub struct ProfilesArgs {
    /// The profile to print
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
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
        assert_eq!(args.command, ["sh", "--id"]);
        assert_eq!(args.options.env, ["A=1"]);
    }
}
