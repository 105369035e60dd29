//! Sockets that systemd opened before this process started, and passed to it.
//!
//! The socket unit sets their files, modes and groups: they are neither changed nor removed here.

use crate::server::listen::{BindError, BindOptions, Listener};
use listenfd::ListenFd;
use std::fmt;
use std::io;

/// Why a passed socket cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PassedError {
    /// The environment variables of systemd are invalid.
    #[error("fd:// cannot read the environment variables of systemd: {0}")]
    Environment(io::Error),
    /// No socket was passed, or all are in use.
    #[error(
        "fd:// needs sockets passed by systemd, and none are left: start specd by its socket unit, or use an address"
    )]
    None,
    /// No passed socket has the name.
    #[error("fd://{0} is not the FileDescriptorName= of a passed socket, known are {1}")]
    UnknownName(String, String),
    /// It is not a listening stream socket.
    #[error(
        "fd:// got {0}, which is not a listening TCP or unix stream socket: use ListenStream= and Accept=no"
    )]
    NotAListener(Passed),
    /// It has no file, and so no mode that restricts who may connect.
    #[error(
        "fd:// got {0}, an abstract unix socket, to which every process may connect: give it a path"
    )]
    Abstract(Passed),
    /// It must not be used as it is.
    #[error(transparent)]
    Bind(#[from] BindError),
}

/// A passed file descriptor, for messages.
#[derive(Debug, Clone)]
pub struct Passed {
    number: i32,
    name: String,
}

impl fmt::Display for Passed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "file descriptor {} ({})", self.number, self.name)
    }
}

/// The passed sockets that are not used yet.
pub struct Activation {
    sockets: ListenFd,
    /// Each with its index among the sockets.
    left: Vec<(usize, Passed)>,
    /// Reported when a socket is requested: otherwise it does not matter.
    broken: Option<io::Error>,
}

impl Activation {
    /// No sockets.
    #[must_use]
    pub fn none() -> Self {
        Self { sockets: ListenFd::empty(), left: Vec::new(), broken: None }
    }

    /// The sockets in `LISTEN_PID`, `LISTEN_FDS` and `LISTEN_FDNAMES`.
    ///
    /// Call it while the process has one thread: two of the variables are removed, so that no child process
    /// uses them.
    #[must_use]
    pub fn from_environment() -> Self {
        let named = match sd_notify::listen_fds_with_names() {
            Ok(named) => named,
            Err(error) => return Self { broken: Some(error), ..Self::none() },
        };
        let left = named.map(|(number, name)| Passed { number, name }).enumerate().collect();
        Self { sockets: ListenFd::from_env(), left, broken: None }
    }

    /// The sockets that no `take` has returned.
    pub fn left(&self) -> impl Iterator<Item = &Passed> {
        self.left.iter().map(|(_, passed)| passed)
    }

    /// Takes all sockets that are left, or those with a name.
    ///
    /// # Errors
    ///
    /// A [`PassedError`], also if there is no such socket.
    pub fn take(
        &mut self,
        name: Option<&str>,
        options: &BindOptions,
    ) -> Result<Vec<Listener>, PassedError> {
        if let Some(error) = self.broken.take() {
            return Err(PassedError::Environment(error));
        }
        if self.left.is_empty() {
            return Err(PassedError::None);
        }
        let is_wanted = |passed: &Passed| name.is_none_or(|name| passed.name == name);
        let (wanted, left): (Vec<_>, _) =
            self.left.drain(..).partition(|(_, passed)| is_wanted(passed));
        self.left = left;
        if wanted.is_empty() {
            let known: Vec<&str> = self.left().map(|passed| passed.name.as_str()).collect();
            return Err(PassedError::UnknownName(
                name.unwrap_or_default().to_owned(),
                known.join(", "),
            ));
        }
        wanted.into_iter().map(|(index, passed)| self.listener(index, passed, options)).collect()
    }

    fn listener(
        &mut self,
        index: usize,
        passed: Passed,
        options: &BindOptions,
    ) -> Result<Listener, PassedError> {
        if let Ok(Some(socket)) = self.sockets.take_unix_listener(index) {
            if !listens(&socket) {
                return Err(PassedError::NotAListener(passed));
            }
            let address = socket.local_addr().ok();
            return match address.as_ref().and_then(|address| address.as_pathname()) {
                Some(path) => Ok(Listener::over_unix(path, socket, options)?),
                None => Err(PassedError::Abstract(passed)),
            };
        }
        match self.sockets.take_tcp_listener(index) {
            Ok(Some(socket)) if listens(&socket) => Ok(Listener::over_tcp(socket, options)?),
            _ => Err(PassedError::NotAListener(passed)),
        }
    }
}

fn listens(socket: &impl std::os::fd::AsFd) -> bool {
    rustix::net::sockopt::socket_acceptconn(socket).unwrap_or(false)
}
