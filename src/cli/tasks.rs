//! Flags of `process` and `resources`, which are about containers that are there.

use crate::cli::profiles::ProfileArgs;
use crate::cli::tls::ClientTlsArgs;
use crate::cli::{CONTAINERD, LogArgs, SnapshotArgs};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// What of an answer is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PartOutput {
    /// The JSON, as runc takes it
    Json,
    /// The Any: its type URL and its value in base64
    Any,
}

/// Flags of `process`.
#[derive(Debug, Clone, Args)]
pub struct ProcessArgs {
    /// The container's id
    #[arg(value_name = "CONTAINER")]
    pub id: String,
    /// What to run in it
    #[arg(value_name = "COMMAND", last = true, required = true)]
    pub command: Vec<String>,
    /// The containerd namespace
    #[arg(long, value_name = "NS", env = "SPECD_NAMESPACE", default_value = "default")]
    pub namespace: String,
    /// The profile by whose rules users and TERM are found
    #[arg(long, value_name = "NAME", env = "SPECD_PROFILE", default_value = "")]
    pub profile: String,
    /// Where profiles come from.
    #[command(flatten)]
    pub profiles: ProfileArgs,
    /// containerd's socket
    #[arg(long, value_name = "PATH", env = "SPECD_CONTAINERD", default_value = CONTAINERD)]
    pub containerd: PathBuf,
    /// A running server.
    #[arg(
        long,
        help = "A running server to ask, instead of containerd: unix:///PATH, tcp://HOST:PORT or https://HOST:PORT",
        value_name = "ADDRESS",
        env = "SPECD_SERVER"
    )]
    pub server: Option<String>,
    /// How a server is asked over TLS.
    #[command(flatten)]
    pub tls: ClientTlsArgs,
    /// What to print
    #[arg(long, value_name = "WHAT", env = "SPECD_OUTPUT", default_value = "json")]
    pub output: PartOutput,
    /// What to change.
    #[command(flatten)]
    pub changes: ExecArgs,
    /// How to log.
    #[command(flatten)]
    pub log: LogArgs,
    /// Whether and how snapshots are read, in this process.
    #[command(flatten)]
    pub snapshots: SnapshotArgs,
}

/// Flags of `process` that change the process.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Changes to the process")]
pub struct ExecArgs {
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
    /// Attach a terminal
    #[arg(long, env = "SPECD_TERMINAL")]
    pub terminal: bool,
}

/// Flags of `resources`; at least one limit.
#[derive(Debug, Clone, Default, Args)]
pub struct ResourcesArgs {
    /// The limit of memory in bytes; -1 for none
    #[arg(long, value_name = "BYTES", env = "SPECD_MEMORY_LIMIT", allow_hyphen_values = true)]
    pub memory_limit: Option<i64>,
    /// The limit of memory and swap together in bytes; -1 for none
    #[arg(long, value_name = "BYTES", env = "SPECD_MEMORY_SWAP", allow_hyphen_values = true)]
    pub memory_swap: Option<i64>,
    /// The weight of processor time against others
    #[arg(long, value_name = "WEIGHT", env = "SPECD_CPU_SHARES")]
    pub cpu_shares: Option<u64>,
    /// Microseconds of processor time in each period; negative for no limit
    #[arg(long, value_name = "MICROSECONDS", env = "SPECD_CPU_QUOTA", allow_hyphen_values = true)]
    pub cpu_quota: Option<i64>,
    /// The period of the quota in microseconds
    #[arg(long, value_name = "MICROSECONDS", env = "SPECD_CPU_PERIOD")]
    pub cpu_period: Option<u64>,
    /// The processors that may be used, as 0-1,4
    #[arg(long, value_name = "LIST", env = "SPECD_CPUS")]
    pub cpus: Option<String>,
    /// The most processes and threads; -1 for any number
    #[arg(long, value_name = "COUNT", env = "SPECD_PIDS_LIMIT", allow_hyphen_values = true)]
    pub pids_limit: Option<i64>,
    /// Print the Any, its type URL and its value in base64, and not the JSON
    #[arg(long, env = "SPECD_ANY")]
    pub any: bool,
}
