//! The background tasks of clients, so that all of them can be awaited and cancelled.
//!
//! Invariant: nothing runs for a client outside of [`Tasks`], including the calls that hyper starts.

use crate::server::shutdown::Shutdown;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long cancelled tasks may take to end.
const CUT_GRACE: Duration = Duration::from_millis(500);

/// A future as a stream, which polls it only when it was woken. A token takes locks at each poll, which all connections share.
pub(super) fn polled_when_woken<F: Future>(future: F) -> FuturesUnordered<F> {
    std::iter::once(future).collect()
}

/// All tasks of clients, connections and calls alike. All clones share one state.
#[derive(Debug, Clone, Default)]
pub(super) struct Tasks {
    running: TaskTracker,
    cancel: CancellationToken,
}

impl Tasks {
    /// Runs a task on a runtime until it ends or is cancelled.
    pub(super) fn spawn_on(
        &self,
        runtime: &Handle,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        let mut cancelled = polled_when_woken(self.cancel.clone().cancelled_owned());
        let task = async move {
            tokio::select! {
                biased;
                _ = cancelled.next() => {}
                () = task => {}
            }
        };
        self.running.spawn_on(task, runtime);
    }

    /// Waits for all tasks to end; cancels the rest after a time, or when shutdown is requested a second time.
    pub(super) async fn drain(&self, timeout: Duration, shutdown: &Shutdown) {
        self.running.close();
        let why = tokio::select! {
            () = self.running.wait() => return,
            () = tokio::time::sleep(timeout) => "the drain timeout has passed",
            () = shutdown.forced() => "shutdown was requested a second time",
        };
        tracing::warn!(tasks = self.running.len(), why, "cancelling the tasks that still run");
        self.cancel.cancel();
        // A task that does not yield cannot be cancelled: it ends with the process.
        let _ = tokio::time::timeout(CUT_GRACE, self.running.wait()).await;
    }
}

/// hyper starts each call with this. A call ends with its connection, so that it need not be cancelled by itself.
impl<F> hyper::rt::Executor<F> for Tasks
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, task: F) {
        self.running.spawn(task);
    }
}
