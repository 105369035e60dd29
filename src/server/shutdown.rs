//! The wish to stop, said once for gently and twice for at once.
//!
//! Who stops what, and in which order, is `serve`'s.

use std::io;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// A handle on the wish to stop. All clones are one.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    requested: CancellationToken,
    forced: CancellationToken,
}

impl Shutdown {
    /// Nobody wishes to stop yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A handle that SIGTERM and SIGINT pull.
    ///
    /// The signals are taken over before it returns, so that one which comes at once is not lost.
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

    /// Asks to stop. Asked again, it means at once.
    pub fn request(&self) {
        if self.is_requested() {
            self.forced.cancel();
        }
        self.requested.cancel();
    }

    /// Whether somebody has asked.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.requested.is_cancelled()
    }

    /// Returns when somebody asks to stop.
    pub async fn requested(&self) {
        self.requested.cancelled().await;
    }

    /// Returns when somebody asks a second time.
    pub async fn forced(&self) {
        self.forced.cancelled().await;
    }
}
