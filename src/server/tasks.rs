//! What runs for clients, so that all of it can be waited for and cut.
//!
//! Invariant: nothing runs for a client outside of [`Tasks`], calls that hyper starts included.

use crate::server::shutdown::Shutdown;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long tasks that were cut may take to notice.
const CUT_GRACE: Duration = Duration::from_millis(500);

/// Everything that runs for clients, connections and calls alike. All clones are one.
#[derive(Debug, Clone, Default)]
pub(super) struct Tasks {
    running: TaskTracker,
    cut: CancellationToken,
}

impl Tasks {
    /// Runs a task until it ends or is cut.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let cut = self.cut.clone();
        self.running.spawn(async move {
            tokio::select! {
                () = cut.cancelled() => {}
                () = task => {}
            }
        });
    }

    /// Waits for all to end, and cuts what is left after a time or when asked to stop at once.
    pub(super) async fn drain(&self, timeout: Duration, shutdown: &Shutdown) {
        self.running.close();
        let why = tokio::select! {
            () = self.running.wait() => return,
            () = tokio::time::sleep(timeout) => "the drain timeout has passed",
            () = shutdown.forced() => "asked to stop at once",
        };
        tracing::warn!(tasks = self.running.len(), why, "cutting what still runs");
        self.cut.cancel();
        // Nothing to be done about a task that does not yield: it ends with the process.
        let _ = tokio::time::timeout(CUT_GRACE, self.running.wait()).await;
    }
}

/// hyper starts each call through this.
impl<F> hyper::rt::Executor<F> for Tasks
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, task: F) {
        self.spawn(task);
    }
}
