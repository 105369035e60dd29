//! Long computations, off the async workers: a few at a time, with a short queue.
//!
//! Large requests, explanations, large account files: on the async workers they would delay every other call, health
//! included.

use std::cell::Cell;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::{Semaphore, SemaphorePermit};

/// The largest request that is worked on by an async worker, in bytes.
pub const SMALL_REQUEST: usize = 16 << 10;

/// How many calls may wait for each one that is worked on.
const QUEUE: usize = 8;

thread_local! {
    /// Whether this thread computes in one of the places.
    static COMPUTES: Cell<bool> = const { Cell::new(false) };
    /// Whether a call that this thread polled has gone to the places, or hardly needs a CPU from now on.
    static HAS_LEFT: Cell<bool> = const { Cell::new(false) };
}

/// Whether the call that was polled just now has gone to the places or hardly needs a CPU from now on, and so needs no turn.
pub fn has_left() -> bool {
    HAS_LEFT.take()
}

/// Says of the call that is polled just now that it hardly needs a CPU from now on.
pub fn leave() {
    HAS_LEFT.set(true);
}

/// Too many calls wait already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueFull;

/// Places for long computations: one fewer than there are CPUs, and at least one.
#[derive(Debug, Clone)]
pub struct Workers(Arc<Places>);

#[derive(Debug)]
struct Places {
    permits: Semaphore,
    waiting: AtomicUsize,
    queue: usize,
}

impl Default for Workers {
    fn default() -> Self {
        let cpus = std::thread::available_parallelism().map_or(1, usize::from);
        Self::new(cpus.saturating_sub(1).max(1))
    }
}

impl Workers {
    /// So many places, and a queue in proportion.
    #[must_use]
    pub fn new(count: usize) -> Self {
        let (permits, waiting) = (Semaphore::new(count), AtomicUsize::new(0));
        Self(Arc::new(Places { permits, waiting, queue: count * QUEUE }))
    }

    /// Runs a future to its end. It has a place only while it computes, not while it waits for something. Inside of
    /// another one it shares that one's place.
    ///
    /// # Errors
    ///
    /// [`QueueFull`] before anything is done.
    pub async fn run<F: Future>(&self, work: F) -> Result<F::Output, QueueFull> {
        if COMPUTES.get() {
            return Ok(work.await);
        }
        HAS_LEFT.set(true);
        let permit = self.queue().await?;
        Ok(self.compute(work, Some(permit)).await)
    }

    /// The same for a part of a call that has begun, which is not refused: it waits for its turn.
    pub async fn run_in_turn<F: Future>(&self, work: F) -> F::Output {
        if COMPUTES.get() {
            return work.await;
        }
        HAS_LEFT.set(true);
        let permit = self.turn().await;
        self.compute(work, permit).await
    }

    async fn compute<'a, F: Future>(
        &'a self,
        work: F,
        mut permit: Option<SemaphorePermit<'a>>,
    ) -> F::Output {
        let mut work = pin!(work);
        loop {
            let poll = |cx: &mut Context<'_>| Poll::Ready(off_worker(|| work.as_mut().poll(cx)));
            let polled = std::future::poll_fn(poll).await;
            drop(permit);
            match polled {
                Poll::Ready(done) => return done,
                Poll::Pending => woken().await,
            }
            permit = self.turn().await;
        }
    }

    /// The next turn. The semaphore is never closed.
    async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.0.permits.acquire().await.ok()
    }

    async fn queue(&self) -> Result<SemaphorePermit<'_>, QueueFull> {
        if let Ok(permit) = self.0.permits.try_acquire() {
            return Ok(permit);
        }
        let _waiting = Waiting::begin(&self.0)?;
        self.0.permits.acquire().await.map_err(|_| QueueFull)
    }
}

/// A place in the queue.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(places: &'a Places) -> Result<Self, QueueFull> {
        let before = places.waiting.fetch_add(1, Ordering::Relaxed);
        let place = Self(&places.waiting);
        if before < places.queue { Ok(place) } else { Err(QueueFull) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Computes while another thread takes over the tasks of this one.
fn off_worker<T>(compute: impl FnOnce() -> T) -> T {
    let compute = || {
        COMPUTES.set(true);
        let _ends = Computing;
        compute()
    };
    if Handle::try_current()
        .is_ok_and(|handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread)
    {
        tokio::task::block_in_place(compute)
    } else {
        compute()
    }
}

/// A computation in a place, until this is dropped.
struct Computing;

impl Drop for Computing {
    fn drop(&mut self) {
        COMPUTES.set(false);
    }
}

/// Returns when the task is woken.
async fn woken() {
    let mut first = true;
    std::future::poll_fn(
        |_| {
            if std::mem::take(&mut first) { Poll::Pending } else { Poll::Ready(()) }
        },
    )
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn other_tasks_go_on_while_one_computes() {
        let workers = Workers::new(1);
        let computing = tokio::spawn({
            let workers = workers.clone();
            async move {
                let compute = async { std::thread::sleep(Duration::from_millis(500)) };
                workers.run(compute).await
            }
        });
        tokio::time::sleep(Duration::from_millis(50)).await;
        let started = Instant::now();
        tokio::spawn(tokio::time::sleep(Duration::from_millis(1))).await.unwrap();
        assert!(started.elapsed() < Duration::from_millis(300), "{:?}", started.elapsed());
        assert!(!computing.is_finished());
        assert_eq!(computing.await.unwrap(), Ok(()));
    }

    #[tokio::test]
    async fn a_place_is_free_while_its_call_waits_and_the_queue_ends() {
        let workers = Workers::new(1);
        let (open, opened) = tokio::sync::oneshot::channel::<()>();
        let waits = tokio::spawn({
            let workers = workers.clone();
            async move { workers.run(opened).await }
        });
        tokio::task::yield_now().await;
        assert_eq!(workers.run(async { 7 }).await, Ok(7));
        open.send(()).unwrap();
        assert_eq!(waits.await.unwrap(), Ok(Ok(())));

        let inner = async { workers.run(async { 8 }).await };
        assert_eq!(workers.run(inner).await, Ok(Ok(8)));

        let permit = workers.0.permits.acquire().await.unwrap();
        let mut waiting = Vec::new();
        for _ in 0..QUEUE {
            let workers = workers.clone();
            waiting.push(tokio::spawn(async move { workers.run(async {}).await }));
        }
        tokio::task::yield_now().await;
        assert_eq!(workers.run(async {}).await, Err(QueueFull));
        drop(permit);
        for one in waiting {
            assert_eq!(one.await.unwrap(), Ok(()));
        }
    }
}
