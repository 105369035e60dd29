//! Turns to work on a call: few at a time, so that no call waits long behind others in the queue of the runtime.
//!
//! Calls that have to wait get their turns in order. Under overload one that has waited for too long stands back, and gets a turn
//! only if no other call waits: those that are answered are then answered fast, and the others are refused soon. A refusal takes
//! its time too, so that clients that try again at once do not use up the CPUs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// A number of turns.
#[derive(Debug)]
pub(super) struct Turns {
    patience: Patience,
    state: Mutex<State>,
}

/// How long calls wait.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// How long a call waits in order.
    pub(super) in_order: Duration,
    /// How long any call waits.
    pub(super) most: Duration,
}

#[derive(Debug)]
struct State {
    free: usize,
    next: u64,
    /// By age, with the time of each call's arrival.
    waiting: BTreeMap<u64, (Instant, oneshot::Sender<Turn>)>,
    /// Those that have waited for too long, by age.
    late: BTreeMap<u64, oneshot::Sender<Turn>>,
}

impl State {
    /// Whether a turn was free, which is then taken.
    fn take_free(&mut self) -> bool {
        let is_free = self.free > 0;
        self.free -= usize::from(is_free);
        is_free
    }

    /// The call that gets the next turn.
    fn next(&mut self, patience: Patience) -> Option<oneshot::Sender<Turn>> {
        while let Some((id, (since, turn))) = self.waiting.pop_first() {
            if since.elapsed() <= patience.in_order {
                return Some(turn);
            }
            self.late.insert(id, turn);
        }
        self.late.pop_last().map(|(_, turn)| turn)
    }

    fn remove(&mut self, id: u64) {
        self.waiting.remove(&id);
        self.late.remove(&id);
    }
}

/// A turn, passed on when it is dropped.
#[derive(Debug)]
pub(super) struct Turn(Option<Arc<Turns>>);

impl Turns {
    /// So many turns at a time.
    pub(super) fn new(count: usize, patience: Patience) -> Arc<Self> {
        let (waiting, late) = (BTreeMap::new(), BTreeMap::new());
        let state = Mutex::new(State { free: count, next: 0, waiting, late });
        Arc::new(Self { patience, state })
    }

    /// A turn, if one is free.
    pub(super) fn try_take(self: &Arc<Self>) -> Option<Turn> {
        self.lock().take_free().then(|| Turn(Some(Arc::clone(self))))
    }

    /// A turn, unless none comes in time.
    pub(super) async fn take(self: &Arc<Self>) -> Option<Turn> {
        let (waiting, turn) = {
            let mut state = self.lock();
            if state.take_free() {
                return Some(Turn(Some(Arc::clone(self))));
            }
            let (send, turn) = oneshot::channel();
            let id = state.next;
            state.next += 1;
            state.waiting.insert(id, (Instant::now(), send));
            (Waiting { turns: self, id }, turn)
        };
        let turn = tokio::time::timeout(self.patience.most, turn).await;
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
        self.turns.lock().remove(self.id);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(turns) = self.0.take() else { return };
        let mut state = turns.lock();
        while let Some(next) = state.next(turns.patience) {
            match next.send(Self(Some(Arc::clone(&turns)))) {
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

    /// The order in which calls get the only turn: three that come now, and two after a while.
    async fn order(in_order: Duration, after: Duration) -> Vec<usize> {
        let turns = Turns::new(1, Patience { in_order, most: LONG });
        let first = turns.take().await.unwrap();
        let (done, mut order) = mpsc::unbounded_channel();
        for number in 0..5 {
            if number == 3 {
                tokio::time::sleep(after).await;
            }
            let (turns, done) = (Arc::clone(&turns), done.clone());
            tokio::spawn(async move {
                let _turn = turns.take().await.unwrap();
                done.send(number).unwrap();
            });
            tokio::task::yield_now().await;
        }
        drop((first, done));
        let mut numbers = Vec::new();
        while let Some(number) = order.recv().await {
            numbers.push(number);
        }
        assert_eq!(turns.lock().free, 1);
        numbers
    }

    #[tokio::test]
    async fn calls_have_turns_in_order_and_those_that_waited_for_too_long_are_last() {
        assert_eq!(order(LONG, Duration::ZERO).await, [0, 1, 2, 3, 4]);
        assert_eq!(order(Duration::ZERO, Duration::ZERO).await, [4, 3, 2, 1, 0]);
        let (in_order, after) = (Duration::from_secs(1), Duration::from_millis(1100));
        assert_eq!(order(in_order, after).await, [3, 4, 2, 1, 0]);
    }

    #[tokio::test]
    async fn a_call_that_waits_too_long_or_leaves_is_forgotten() {
        let most = Duration::from_millis(20);
        let turns = Turns::new(1, Patience { in_order: LONG, most });
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
        assert!(turns.lock().waiting.is_empty() && turns.lock().late.is_empty());
        drop(first);
        assert_eq!(turns.lock().free, 1);
    }
}
