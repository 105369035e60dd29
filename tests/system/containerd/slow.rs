//! A way to a daemon on which answers take their time, so that a test can step in between.

use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;

/// Passes bytes on, and those from the daemon after a while; it ends with this.
pub(crate) struct Slow {
    pub(crate) socket: PathBuf,
    accepting: JoinHandle<()>,
}

impl Slow {
    /// A socket at `at` for the one at `daemon`. The first `fast` connections are not held up.
    pub(crate) fn start(at: PathBuf, daemon: PathBuf, fast: usize, delay: Duration) -> Self {
        let listener = UnixListener::bind(&at).unwrap();
        let accepting = tokio::spawn(async move {
            let mut accepted = 0;
            while let Ok((client, _)) = listener.accept().await {
                let delay = if accepted < fast { Duration::ZERO } else { delay };
                accepted += 1;
                tokio::spawn(pass(client, daemon.clone(), delay));
            }
        });
        Self { socket: at, accepting }
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }
}

impl Drop for Slow {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn pass(client: UnixStream, daemon: PathBuf, delay: Duration) {
    let Ok(daemon) = UnixStream::connect(daemon).await else { return };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_daemon, mut to_daemon) = daemon.into_split();
    let asked = async move { tokio::io::copy(&mut from_client, &mut to_daemon).await.map(drop) };
    let answered = async move {
        let mut chunk = vec![0; 64 << 10];
        loop {
            match from_daemon.read(&mut chunk).await? {
                0 => return Ok::<_, std::io::Error>(()),
                read => {
                    tokio::time::sleep(delay).await;
                    to_client.write_all(&chunk[..read]).await?;
                }
            }
        }
    };
    let _ = tokio::join!(asked, answered);
}
