//! Requests for shutdown: the first is graceful, the second takes effect at once.
//!
//! The order of shutdown is in `serve`.

use std::io;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// A handle for requesting shutdown. All clones share one state.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    requested: CancellationToken,
    forced: CancellationToken,
}

impl Shutdown {
    /// A handle without a request.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A handle on which SIGTERM and SIGINT request shutdown.
    ///
    /// The handlers are installed before it returns, so that no signal after it is lost.
    ///
    /// # Errors
    ///
    /// If the handlers cannot be installed.
    pub fn on_signals() -> io::Result<Self> {
        let mut term = signal(SignalKind::terminate())?;
        let mut int = signal(SignalKind::interrupt())?;
        let shutdown = Self::new();
        let handle = shutdown.clone();
        tokio::spawn(async move {
            loop {
                let name = tokio::select! {
                    Some(()) = term.recv() => "SIGTERM",
                    Some(()) = int.recv() => "SIGINT",
                    else => return,
                };
                let at_once = handle.is_requested();
                tracing::info!(signal = name, at_once, "stopping");
                handle.request();
            }
        });
        Ok(shutdown)
    }

    /// Requests shutdown; a second request takes effect at once.
    pub fn request(&self) {
        if self.is_requested() {
            self.forced.cancel();
        }
        self.requested.cancel();
    }

    /// Whether shutdown was requested.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.requested.is_cancelled()
    }

    /// Returns when shutdown is requested.
    pub async fn requested(&self) {
        self.requested.cancelled().await;
    }

    /// Returns at the second request.
    pub async fn forced(&self) {
        self.forced.cancelled().await;
    }
}
