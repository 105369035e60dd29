//! Turns to work on a call: few at a time, so that no call waits long behind others in the queue of the runtime.
//!
//! Calls that have to wait get their turns in the opposite order, the newest first, and each waits only for a short time. So
//! under overload those that are answered are answered fast, and the others are refused soon; and since a refusal takes its
//! time too, clients that try again at once do not use up the CPUs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// A number of turns.
#[derive(Debug)]
pub(super) struct Turns {
    patience: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    free: usize,
    next: u64,
    /// By age.
    waiting: BTreeMap<u64, oneshot::Sender<Turn>>,
}

/// A turn, passed on when it is dropped.
#[derive(Debug)]
pub(super) struct Turn(Option<Arc<Turns>>);

impl Turns {
    /// So many turns at a time, for each of which a call waits at most so long.
    pub(super) fn new(count: usize, patience: Duration) -> Arc<Self> {
        let state = State { free: count, next: 0, waiting: BTreeMap::new() };
        Arc::new(Self { patience, state: Mutex::new(state) })
    }

    /// A turn, unless none comes in time.
    pub(super) async fn take(self: &Arc<Self>) -> Option<Turn> {
        let (waiting, turn) = {
            let mut state = self.lock();
            if state.free > 0 {
                state.free -= 1;
                return Some(Turn(Some(Arc::clone(self))));
            }
            let (send, turn) = oneshot::channel();
            let id = state.next;
            state.next += 1;
            state.waiting.insert(id, send);
            (Waiting { turns: self, id }, turn)
        };
        let turn = tokio::time::timeout(self.patience, turn).await;
        drop(waiting);
        turn.ok()?.ok()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call that waits, until this is dropped.
struct Waiting<'a> {
    turns: &'a Turns,
    id: u64,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.turns.lock().waiting.remove(&self.id);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(turns) = self.0.take() else { return };
        let mut state = turns.lock();
        while let Some((_, newest)) = state.waiting.pop_last() {
            match newest.send(Self(Some(Arc::clone(&turns)))) {
                Ok(()) => return,
                // The call has left: the turn is still this one.
                Err(mut unwanted) => unwanted.0 = None,
            }
        }
        state.free += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::mpsc;

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn the_newest_call_gets_the_next_turn() {
        let turns = Turns::new(1, LONG);
        let first = turns.take().await.unwrap();
        let (done, mut order) = mpsc::unbounded_channel();
        for number in 0..3 {
            let (turns, done) = (Arc::clone(&turns), done.clone());
            tokio::spawn(async move {
                let _turn = turns.take().await.unwrap();
                done.send(number).unwrap();
            });
            tokio::task::yield_now().await;
        }
        drop(first);
        for number in [2, 1, 0] {
            assert_eq!(order.recv().await, Some(number));
        }
        assert_eq!(turns.lock().free, 1);
    }

    #[tokio::test]
    async fn a_call_that_waits_too_long_or_leaves_is_forgotten() {
        let turns = Turns::new(1, Duration::from_millis(20));
        let first = turns.take().await.unwrap();
        assert!(turns.take().await.is_none());
        let left = {
            let turns = Arc::clone(&turns);
            tokio::spawn(async move { turns.take().await })
        };
        tokio::task::yield_now().await;
        assert_eq!(turns.lock().waiting.len(), 1);
        left.abort();
        assert!(left.await.unwrap_err().is_cancelled());
        assert!(turns.lock().waiting.is_empty());
        drop(first);
        assert_eq!(turns.lock().free, 1);
    }
}
