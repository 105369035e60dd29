//! The flags that `generate` and `explain` share: of what a spec is made, and who makes it.

use crate::cli::option_files::OptionFileArgs;
use crate::cli::profiles::ProfileArgs;
use crate::cli::tls::ClientTlsArgs;
use crate::cli::{LogArgs, SnapshotArgs, SourceArgs};
use clap::Args;

/// Flags that say of what a spec is made, and who makes it.
#[derive(Debug, Clone, Args)]
pub struct AskArgs {
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
    /// Where profiles come from.
    #[command(flatten)]
    pub profiles: ProfileArgs,
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

/// Flags that change the spec.
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
    /// Out of files.
    #[command(flatten)]
    pub files: OptionFileArgs,
}
