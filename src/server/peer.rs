//! Who is at the other end of a connection, and whether he may call.

use std::fmt;
use std::net::SocketAddr;

/// Who is at the other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// Somebody over TCP.
    Tcp(SocketAddr),
    /// A process of this machine, as the kernel vouches.
    Unix {
        /// Its user.
        uid: u32,
        /// Its group.
        gid: u32,
        /// Its process id, where the kernel tells.
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

/// Which processes may call over a unix socket: those of one of the users or of one of the groups.
///
/// Empty, it leaves the choice to the mode of the socket's file. The group is the process's own, as the
/// kernel noted it when it connected; supplementary groups do not count, and root is no exception.
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
