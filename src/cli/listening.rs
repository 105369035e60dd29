//! Flags of `serve` about where to listen, and who may call there.

use crate::cli::SERVER;
use clap::Args;

/// Where to listen, and who may call there.
#[derive(Debug, Clone, Args)]
pub struct ListenArgs {
    /// The addresses.
    #[arg(long, help = "Where to listen, tcp://HOST:PORT, unix:///PATH, or fd:// and fd://NAME for sockets that systemd passes; may be given several times", value_name = "ADDRESS", env = "SPECD_LISTEN", value_delimiter = ',', default_value = SERVER)]
    pub listen: Vec<String>,
    /// Allow TCP addresses that are not loopback in plain text, without TLS
    #[arg(long, env = "SPECD_INSECURE_TCP")]
    pub insecure_tcp: bool,
    /// The mode of a unix socket's file, in octal; whoever may write to the file may connect
    #[arg(long, value_name = "MODE", env = "SPECD_SOCKET_MODE", default_value = "0660")]
    pub socket_mode: String,
    /// The group of a unix socket's file, by number [default: the process's own]
    #[arg(long, value_name = "GID", env = "SPECD_SOCKET_GID")]
    pub socket_gid: Option<u32>,
    /// A user that may call over unix sockets, by number; may be given several times. With neither this
    /// nor --allow-gid, all may that can open the file
    #[arg(long, value_name = "UID", env = "SPECD_ALLOW_UID", value_delimiter = ',')]
    pub allow_uid: Vec<u32>,
    /// A primary group whose processes may call over unix sockets, by number; may be given several times
    #[arg(long, value_name = "GID", env = "SPECD_ALLOW_GID", value_delimiter = ',')]
    pub allow_gid: Vec<u32>,
    /// Where to answer grpc.health.v1 and nothing else, tcp://HOST:PORT, in plain text on any address: for
    /// the kubelet, which speaks neither TLS nor unix sockets
    #[arg(long, value_name = "ADDRESS", env = "SPECD_HEALTH_LISTEN")]
    pub health_listen: Option<String>,
}
