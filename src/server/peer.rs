//! The peer of a connection, and whether it may call.

use std::fmt;
use std::net::SocketAddr;

/// The peer of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// A client over TCP.
    Tcp(SocketAddr),
    /// A process of this machine, as reported by the kernel.
    Unix {
        /// Its user.
        uid: u32,
        /// Its group.
        gid: u32,
        /// Its process id, if the kernel reports it.
        pid: Option<i32>,
    },
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix { uid, gid, pid: Some(pid) } => write!(f, "uid {uid} gid {gid} pid {pid}"),
            Self::Unix { uid, gid, pid: None } => write!(f, "uid {uid} gid {gid}"),
        }
    }
}

/// The processes that may call over a unix socket: those of one of the users or of one of the groups.
///
/// If it is empty, the mode of the socket's file decides. The group is the primary group of the process when
/// it connected; supplementary groups do not count, and root is no exception.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Callers {
    /// The users.
    pub uids: Vec<u32>,
    /// The groups.
    pub gids: Vec<u32>,
}

impl Callers {
    /// Whether a process of this user and group may call.
    #[must_use]
    pub fn admit(&self, uid: u32, gid: u32) -> bool {
        (self.uids.is_empty() && self.gids.is_empty())
            || self.uids.contains(&uid)
            || self.gids.contains(&gid)
    }
}
