//! Shares the lookups of names: callers that ask for the same name at the same time get one answer.
//!
//! A name is never cached. At most one lookup of a name in a namespace runs, and at most one waits: it begins
//! when the running one has ended, and it answers every caller that arrived in the meantime.
//!
//! Invariant: the lookup that answers a caller began after the caller arrived. A caller that leaves, or has
//! little time, does not affect the others: a lookup runs in a task of its own with the latest deadline of its
//! callers. It is cancelled when all of them have left.

mod batches;
#[cfg(test)]
mod interleavings;
#[cfg(test)]
mod tests;

use crate::domain::ids::Namespace;
use crate::image::Descriptor;
use crate::image::reference::ImageName;
use crate::store::{BlobStream, Deadline, ImageStore, Resolved, StoreError};
use async_trait::async_trait;
use batches::Batches;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tracing::{Instrument, Span};

/// How long a lookup lets calls join at most, before it begins.
const GATHER: Duration = Duration::from_millis(1);

const NO_ANSWER: &str = "the lookup of the image ended without an answer";

type Key = (Namespace, ImageName);
type Answer = Result<Resolved, StoreError>;

/// The callers of one lookup.
#[derive(Debug)]
struct Batch {
    answer: watch::Sender<Option<Answer>>,
    /// The latest deadline of the callers.
    deadline: Deadline,
    /// The span of the first caller.
    span: Span,
}

/// An [`ImageStore`] that shares the lookups of another one.
#[derive(Debug)]
pub struct Shared<S> {
    store: Arc<S>,
    batches: Arc<Mutex<Batches<Key, Batch>>>,
}

impl<S: ImageStore> Shared<S> {
    /// Shares the lookups of `store`.
    pub fn new(store: S) -> Self {
        Self { store: Arc::new(store), batches: Arc::default() }
    }

    /// Joins the next lookup of a name, and starts the task of a name that has none.
    fn join(&self, key: Key, deadline: Deadline) -> watch::Receiver<Option<Answer>> {
        let open = || Batch { answer: watch::Sender::new(None), deadline, span: Span::current() };
        let mut batches = lock(&self.batches);
        let (batch, must_start) = batches.join(key.clone(), open);
        batch.deadline = batch.deadline.later(deadline);
        let receiver = batch.answer.subscribe();
        drop(batches);
        if must_start {
            let (store, batches) = (Arc::clone(&self.store), Arc::clone(&self.batches));
            tokio::spawn(look_up(store, Turn { batches, key, ended: false }));
        }
        receiver
    }
}

/// Looks up a name for one batch after the other, until no caller waits.
async fn look_up<S: ImageStore>(store: Arc<S>, mut turn: Turn) {
    loop {
        turn.gather().await;
        let Some(Batch { answer, deadline, span }) = turn.next() else { return };
        let (namespace, name) = &turn.key;
        let looking_up = store.resolve(namespace, name, deadline).instrument(span);
        tokio::select! {
            biased;
            found = looking_up => drop(answer.send(Some(found))),
            () = answer.closed() => {}
        }
    }
}

/// The right to run the lookups of a name. If it is dropped early, because a lookup panicked or the runtime
/// ends, the callers that wait are released, and the next caller starts afresh.
struct Turn {
    batches: Arc<Mutex<Batches<Key, Batch>>>,
    key: Key,
    ended: bool,
}

impl Turn {
    /// Lets the calls that have arrived join before the next lookup begins. It ends when none has joined since the last look.
    async fn gather(&self) {
        let (began, mut callers) = (Instant::now(), 0);
        while began.elapsed() < GATHER {
            tokio::task::yield_now().await;
            let waiting =
                lock(&self.batches).waiting(&self.key).map_or(0, |it| it.answer.receiver_count());
            if waiting <= callers {
                return;
            }
            callers = waiting;
        }
    }

    fn next(&mut self) -> Option<Batch> {
        let batch = lock(&self.batches).begin(&self.key);
        self.ended = batch.is_none();
        batch
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.ended {
            let waiting = lock(&self.batches).abandon(&self.key);
            drop(waiting);
        }
    }
}

fn lock(batches: &Mutex<Batches<Key, Batch>>) -> MutexGuard<'_, Batches<Key, Batch>> {
    batches.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl<S: ImageStore> ImageStore for Shared<S> {
    async fn resolve(
        &self,
        namespace: &Namespace,
        name: &ImageName,
        deadline: Deadline,
    ) -> Result<Resolved, StoreError> {
        let mut receiver = self.join((namespace.clone(), name.clone()), deadline);
        let answered = receiver.wait_for(Option::is_some);
        let answered = match deadline.time_left() {
            Some(left) => tokio::time::timeout(left, answered).await,
            None => Ok(answered.await),
        };
        let unavailable = |why: &str| Err(StoreError::Unavailable(why.to_owned()));
        match answered {
            Ok(Ok(answer)) => answer.clone().unwrap_or_else(|| unavailable(NO_ANSWER)),
            Ok(Err(_)) => unavailable(NO_ANSWER),
            Err(_) => unavailable("the image was not looked up before the deadline"),
        }
    }

    async fn open(
        &self,
        namespace: &Namespace,
        blob: &Descriptor,
        deadline: Deadline,
    ) -> Result<BlobStream, StoreError> {
        self.store.open(namespace, blob, deadline).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.store.ping().await
    }
}
