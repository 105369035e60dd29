//! A unix socket that listens, and looks after its file: nobody can connect to a socket without one.

use crate::server::address::ListenAddress;
use crate::server::unix_socket::SocketFile;
use std::io;
use std::os::unix::net::UnixListener as StdUnixListener;
use std::time::Duration;
use tokio::net::{UnixListener, UnixStream};

/// How often the file is looked at while nobody connects.
const FILE_CHECK: Duration = Duration::from_secs(1);

/// A unix socket that listens.
///
/// The order of fields matters: the file is removed while the socket is still open.
#[derive(Debug)]
pub(super) struct UnixSocket {
    /// The file, if it was created here.
    file: Option<SocketFile>,
    listener: UnixListener,
    /// The last reason why a removed file could not be created again.
    failure: Option<String>,
}

impl UnixSocket {
    pub(super) fn new(file: Option<SocketFile>, listener: StdUnixListener) -> io::Result<Self> {
        Ok(Self { file, listener: UnixListener::from_std(listener)?, failure: None })
    }

    /// The next connection. A file that has been removed is created again.
    pub(super) async fn accept(&mut self, address: &ListenAddress) -> io::Result<UnixStream> {
        loop {
            tokio::select! {
                accepted = self.listener.accept() => return Ok(accepted?.0),
                () = tokio::time::sleep(FILE_CHECK) => self.restore(address).await,
            }
        }
    }

    /// Listens on the path again if the file is no longer there.
    async fn restore(&mut self, address: &ListenAddress) {
        let Some(file) = &self.file else { return };
        if file.is_ours() {
            return;
        }
        // It may wait for another process that binds in the same directory.
        let claimed = tokio::task::spawn_blocking(file.again()).await;
        let restored = claimed.map_err(io::Error::other).and_then(|claimed| {
            let (file, listener) = claimed.map_err(io::Error::other)?;
            Self::new(Some(file), listener)
        });
        match restored {
            Ok(Self { file, listener, failure }) => {
                tracing::warn!(%address, "the file of the socket was removed: listening again");
                // The old file before the old socket.
                self.file = file;
                (self.listener, self.failure) = (listener, failure);
            }
            Err(error) => {
                let reason = error.to_string();
                if self.failure.as_ref() != Some(&reason) {
                    tracing::error!(%address, reason, "the file of the socket was removed and cannot be created again");
                    self.failure = Some(reason);
                }
            }
        }
    }
}
