//! Turns to work on a call: few at a time, so that no call waits long behind others in the queue of the runtime.
//!
//! A larger request takes the room of several small ones; one that is so large that it is worked on elsewhere takes that of one. Calls
//! that have to wait get their turns by peer: first the peer that has used the least time lately, and the calls of one peer in
//! order. So a peer that sends many calls, or expensive ones, delays its own calls and not those of others.
//!
//! Under overload a call that has waited for too long stands back, and gets a turn only if no other call waits: those that are
//! answered are then answered fast, and the others are refused soon. A refusal takes its time too, so that clients that try
//! again at once do not use up the CPUs.

use crate::server::places::Owner;
use crate::workers::{SMALL_REQUEST, has_left};
use std::collections::{BTreeMap, HashMap};
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// How many bytes of a request take the room of one call.
const CALL_BYTES: usize = 1 << 10;

/// The most room that one call takes.
const MOST_ROOM: usize = SMALL_REQUEST / CALL_BYTES;

/// How many calls may wait in order for each turn that there is. More would be refused later, all at the same moment.
const WAITING: usize = 5;

/// From this number of peers on, those without a call that waits are forgotten.
const MANY_PEERS: usize = 1024;

/// How long a call keeps its turn. One that takes longer waits for something else than a CPU, unless this time itself ends
/// late, because the CPUs are busy.
const TURN: Duration = Duration::from_millis(20);

/// A number of turns.
#[derive(Debug)]
pub(super) struct Turns {
    patience: Patience,
    most_room: usize,
    most_waiting: usize,
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
    peers: HashMap<Option<Owner>, PeerCalls>,
    /// How many calls wait in order.
    in_order: usize,
    /// The used time of the peer that got the last turn. A peer that has used less had no calls, and is not owed the rest.
    clock: Duration,
    /// How long turns took lately, on average. A peer is charged this when it gets a turn, and the difference when the turn ends, so
    /// that turns which are free together go to different peers.
    expected: Duration,
    /// Those that have waited for too long, by age.
    late: BTreeMap<u64, Waiting>,
}

/// The calls of one peer.
#[derive(Debug, Default)]
struct PeerCalls {
    /// The time of all turns, each multiplied by its room.
    used: Duration,
    /// By age.
    waiting: BTreeMap<u64, Waiting>,
}

/// A call that waits.
#[derive(Debug)]
struct Waiting {
    peer: Option<Owner>,
    room: usize,
    since: Instant,
    turn: oneshot::Sender<Turn>,
}

/// A turn, passed on when it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    turns: Option<Arc<Turns>>,
    peer: Option<Owner>,
    room: usize,
    charged: Duration,
    since: Instant,
}

/// A room as a factor of times.
fn by(room: usize) -> u32 {
    u32::try_from(room).unwrap_or(u32::MAX)
}

impl State {
    /// Takes room for a call of a peer.
    fn take(&mut self, peer: Option<Owner>, room: usize, turns: &Arc<Turns>) -> Turn {
        self.free -= room;
        if self.peers.len() >= MANY_PEERS {
            self.peers.retain(|_, calls| !calls.waiting.is_empty());
        }
        let charged = self.expected.saturating_mul(by(room));
        let calls = self.peers.entry(peer).or_default();
        calls.used = calls.used.max(self.clock);
        self.clock = calls.used;
        calls.used += charged;
        Turn { turns: Some(Arc::clone(turns)), peer, room, charged, since: Instant::now() }
    }

    /// Gives turns to the calls that wait, as long as there is room for the next one.
    fn pass_on(&mut self, turns: &Arc<Turns>) {
        while let Some((peer, id, room)) = self.next(turns.patience)
            && room <= self.free
            && let Some(call) = self.remove(peer, id)
        {
            let turn = self.take(peer, room, turns);
            if let Err(mut unwanted) = call.turn.send(turn) {
                // The call has left.
                unwanted.turns = None;
                self.take_back(&unwanted, Duration::ZERO);
            }
        }
    }

    /// Frees the room of a turn, and charges its peer for the time that it took instead of the expected one.
    fn take_back(&mut self, turn: &Turn, took: Duration) {
        self.free += turn.room;
        if let Some(calls) = self.peers.get_mut(&turn.peer) {
            let used = calls.used + took.saturating_mul(by(turn.room));
            calls.used = used.saturating_sub(turn.charged);
        }
    }

    /// The call that gets the next turn: its peer, its id, and its room.
    fn next(&mut self, patience: Patience) -> Option<(Option<Owner>, u64, usize)> {
        while self.in_order > 0 {
            let clock = self.clock;
            let first = self.peers.iter().filter_map(|(peer, calls)| {
                let (id, call) = calls.waiting.first_key_value()?;
                Some(((calls.used.max(clock), *id), (*peer, call.room, call.since)))
            });
            let Some(((_, id), (peer, room, since))) = first.min_by_key(|(order, _)| *order) else {
                break;
            };
            if since.elapsed() <= patience.in_order {
                return Some((peer, id, room));
            }
            let call = self.remove(peer, id)?;
            self.late.insert(id, call);
        }
        self.late.last_key_value().map(|(id, call)| (call.peer, *id, call.room))
    }

    /// Refuses the newest call of the peer with the most calls that wait.
    fn refuse_newest(&mut self) {
        let most = self.peers.values_mut().max_by_key(|calls| calls.waiting.len());
        if most.and_then(|calls| calls.waiting.pop_last()).is_some() {
            self.in_order -= 1;
        }
    }

    fn remove(&mut self, peer: Option<Owner>, id: u64) -> Option<Waiting> {
        if let Some(late) = self.late.remove(&id) {
            return Some(late);
        }
        let call = self.peers.get_mut(&peer)?.waiting.remove(&id)?;
        self.in_order -= 1;
        Some(call)
    }
}

impl Turns {
    /// So many turns of small calls at a time.
    pub(super) fn new(count: usize, patience: Patience) -> Arc<Self> {
        let (peers, late) = (HashMap::new(), BTreeMap::new());
        let [clock, expected] = [Duration::ZERO; 2];
        let state = State { free: count, next: 0, peers, in_order: 0, clock, expected, late };
        let (most_room, most_waiting) = (count.min(MOST_ROOM), count.saturating_mul(WAITING));
        Arc::new(Self { patience, most_room, most_waiting, state: Mutex::new(state) })
    }

    /// A turn for a request of so many bytes, if there is room and no other call waits in order.
    pub(super) fn try_take(self: &Arc<Self>, peer: Option<Owner>, bytes: usize) -> Option<Turn> {
        let room = self.room(bytes);
        let mut state = self.lock();
        let fits = room <= state.free && state.in_order == 0;
        fits.then(|| state.take(peer, room, self))
    }

    /// A turn, unless none comes in time, or too many calls wait.
    pub(super) async fn take(self: &Arc<Self>, peer: Option<Owner>, bytes: usize) -> Option<Turn> {
        let room = self.room(bytes);
        let (leaves, turn) = {
            let mut state = self.lock();
            let (send, turn) = oneshot::channel();
            let id = state.next;
            state.next += 1;
            let call = Waiting { peer, room, since: Instant::now(), turn: send };
            state.peers.entry(peer).or_default().waiting.insert(id, call);
            state.in_order += 1;
            state.pass_on(self);
            if state.in_order > self.most_waiting {
                state.refuse_newest();
            }
            (Leaves { turns: self, peer, id }, turn)
        };
        let turn = tokio::time::timeout(self.patience.most, turn).await;
        drop(leaves);
        turn.ok()?.ok()
    }

    fn room(&self, bytes: usize) -> usize {
        if bytes > SMALL_REQUEST { 1 } else { bytes.div_ceil(CALL_BYTES).clamp(1, self.most_room) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call that does not wait any more once this is dropped.
struct Leaves<'a> {
    turns: &'a Arc<Turns>,
    peer: Option<Owner>,
    id: u64,
}

impl Drop for Leaves<'_> {
    fn drop(&mut self) {
        let mut state = self.turns.lock();
        if state.remove(self.peer, self.id).is_some() {
            // It may have needed more room than the next call.
            state.pass_on(self.turns);
        }
    }
}

impl Turn {
    /// Polls a call to its end, and gives the turn back once the call waits for something else than a CPU of the async workers.
    pub(super) async fn keep_while_at_work<F: Future>(self, mut call: Pin<&mut F>) -> F::Output {
        let mut turn = Some(self);
        let mut began = Instant::now();
        let mut end = pin!(tokio::time::sleep(TURN));
        poll_fn(|cx| {
            // What another call has left behind.
            let _ = has_left();
            let polled = call.as_mut().poll(cx);
            if has_left() {
                turn = None;
            }
            while polled.is_pending() && turn.is_some() && end.as_mut().poll(cx).is_ready() {
                if began.elapsed() < TURN * 2 {
                    turn = None;
                } else {
                    began = Instant::now();
                    end.as_mut().reset((began + TURN).into());
                }
            }
            polled
        })
        .await
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(turns) = self.turns.take() else { return };
        let mut state = turns.lock();
        let took = self.since.elapsed();
        state.expected = (state.expected * 7 + took) / 8;
        state.take_back(self, took);
        state.pass_on(&turns);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::listen::Peer;
    use crate::workers::Workers;
    use tokio::sync::mpsc;

    const LONG: Duration = Duration::from_secs(60);

    fn peer(pid: i32) -> Option<Owner> {
        Some(Owner::from(&Peer::Unix { uid: 0, gid: 0, pid: Some(pid) }))
    }

    /// Calls that write down their numbers when they have the only turn.
    struct Calls {
        turns: Arc<Turns>,
        done: mpsc::UnboundedSender<usize>,
        order: mpsc::UnboundedReceiver<usize>,
    }

    impl Calls {
        fn new(count: usize, patience: Patience) -> Self {
            let (done, order) = mpsc::unbounded_channel();
            Self { turns: Turns::new(count, patience), done, order }
        }

        /// Lets a call of a peer wait.
        async fn call(&self, number: usize, pid: i32, bytes: usize) {
            let (turns, done) = (Arc::clone(&self.turns), self.done.clone());
            tokio::spawn(async move {
                let _turn = turns.take(peer(pid), bytes).await.unwrap();
                done.send(number).unwrap();
            });
            tokio::task::yield_now().await;
        }

        async fn order(self) -> Vec<usize> {
            let Self { turns, done, mut order } = self;
            drop(done);
            let mut numbers = Vec::new();
            while let Some(number) = order.recv().await {
                numbers.push(number);
            }
            let state = turns.lock();
            assert_eq!(state.free, turns.most_room);
            assert!(state.late.is_empty() && state.in_order == 0);
            assert!(state.peers.values().all(|calls| calls.waiting.is_empty()));
            numbers
        }
    }

    /// The order in which calls of one peer get the only turn: three that come now, and two after a while.
    async fn order(in_order: Duration, after: Duration) -> Vec<usize> {
        let calls = Calls::new(1, Patience { in_order, most: LONG });
        let first = calls.turns.take(peer(1), 1).await.unwrap();
        for number in 0..5 {
            if number == 3 {
                tokio::time::sleep(after).await;
            }
            calls.call(number, 1, 1).await;
        }
        drop(first);
        calls.order().await
    }

    #[tokio::test]
    async fn calls_of_a_peer_have_turns_in_order_and_those_that_waited_for_too_long_are_last() {
        assert_eq!(order(LONG, Duration::ZERO).await, [0, 1, 2, 3, 4]);
        assert_eq!(order(Duration::ZERO, Duration::ZERO).await, [4, 3, 2, 1, 0]);
        let (in_order, after) = (Duration::from_secs(1), Duration::from_millis(1100));
        assert_eq!(order(in_order, after).await, [3, 4, 2, 1, 0]);
    }

    #[tokio::test]
    async fn the_peer_that_has_used_the_least_time_is_next() {
        let calls = Calls::new(1, Patience { in_order: LONG, most: LONG });
        let first = calls.turns.take(peer(1), 1).await.unwrap();
        for (number, pid) in [(0, 1), (1, 1), (2, 2), (3, 3)] {
            calls.call(number, pid, 1).await;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        drop(first);
        assert_eq!(calls.order().await, [2, 3, 0, 1]);
    }

    #[tokio::test]
    async fn turns_that_are_free_together_go_to_different_peers() {
        let calls = Calls::new(2, Patience { in_order: LONG, most: LONG });
        let first = calls.turns.try_take(peer(3), 1).unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
        drop(first);
        let both = calls.turns.try_take(peer(3), 2 << 10).unwrap();
        for (number, pid) in [(0, 1), (1, 1), (2, 2)] {
            calls.call(number, pid, 1).await;
        }
        drop(both);
        assert_eq!(calls.order().await, [0, 2, 1]);
    }

    #[test]
    fn a_peer_is_not_charged_for_a_turn_that_its_call_did_not_wait_for() {
        let turns = Turns::new(1, Patience { in_order: LONG, most: LONG });
        let mut state = turns.lock();
        state.expected = Duration::from_secs(1);
        let (send, gone) = oneshot::channel();
        drop(gone);
        let call = Waiting { peer: peer(1), room: 1, since: Instant::now(), turn: send };
        state.peers.entry(peer(1)).or_default().waiting.insert(0, call);
        state.in_order = 1;
        state.pass_on(&turns);
        assert_eq!((state.free, state.in_order), (1, 0));
        assert_eq!(state.peers[&peer(1)].used, Duration::ZERO);
    }

    #[tokio::test]
    async fn a_peer_that_made_no_calls_is_not_owed_the_time() {
        let calls = Calls::new(1, Patience { in_order: LONG, most: LONG });
        for _ in 0..3 {
            let turn = calls.turns.try_take(peer(1), 1).unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
            drop(turn);
        }
        let first = calls.turns.try_take(peer(1), 1).unwrap();
        assert!(calls.turns.lock().clock >= Duration::from_millis(60));
        calls.call(0, 2, 1).await;
        drop(first);
        // The new peer begins with what the other one has used.
        assert_eq!(calls.turns.lock().peers.len(), 2);
        let turns = Arc::clone(&calls.turns);
        assert_eq!(calls.order().await, [0]);
        assert!(turns.lock().peers[&peer(2)].used >= Duration::from_millis(60));
    }

    #[tokio::test]
    async fn a_large_request_takes_the_room_of_several_and_is_not_overtaken() {
        let turns = Turns::new(4, Patience { in_order: LONG, most: LONG });
        let small: Vec<_> = (0..2).map(|_| turns.try_take(peer(1), 100).unwrap()).collect();
        assert!(turns.try_take(peer(2), 3 << 10).is_none());
        let large = {
            let turns = Arc::clone(&turns);
            tokio::spawn(async move { turns.take(peer(2), 3 << 10).await.unwrap() })
        };
        tokio::task::yield_now().await;
        assert!(turns.try_take(peer(1), 100).is_none(), "it overtakes the large request");
        drop(small);
        let large = large.await.unwrap();
        assert_eq!(turns.lock().free, 1);
        let huge = turns.try_take(peer(1), 1 << 20).unwrap();
        assert_eq!(turns.lock().free, 0);
        drop((large, huge));
        let most = turns.try_take(peer(1), SMALL_REQUEST).unwrap();
        assert_eq!(turns.lock().free, 0);
        drop(most);
    }

    #[tokio::test]
    async fn a_call_that_waits_too_long_or_leaves_is_forgotten() {
        let most = Duration::from_millis(20);
        let turns = Turns::new(1, Patience { in_order: LONG, most });
        let first = turns.take(peer(1), 1).await.unwrap();
        assert!(turns.take(peer(1), 1).await.is_none());
        let left = {
            let turns = Arc::clone(&turns);
            tokio::spawn(async move { turns.take(peer(1), 1).await })
        };
        tokio::task::yield_now().await;
        assert_eq!(turns.lock().peers[&peer(1)].waiting.len(), 1);
        left.abort();
        assert!(left.await.unwrap_err().is_cancelled());
        assert!(turns.lock().peers[&peer(1)].waiting.is_empty() && turns.lock().late.is_empty());
        drop(first);
        assert_eq!(turns.lock().free, 1);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn a_call_that_goes_to_the_places_gives_its_turn_back() {
        let turns = Turns::new(1, Patience { in_order: LONG, most: LONG });
        let workers = Workers::new(1);
        let (begun, has_begun) = oneshot::channel();
        let (open, opened) = oneshot::channel::<()>();
        let holds = tokio::spawn({
            let workers = workers.clone();
            async move {
                let hold = async {
                    begun.send(()).unwrap();
                    tokio::task::block_in_place(|| opened.blocking_recv().unwrap());
                };
                workers.run_in_turn(hold).await;
            }
        });
        has_begun.await.unwrap();
        let turn = turns.try_take(peer(1), 1).unwrap();
        let waits = tokio::spawn(async move {
            turn.keep_while_at_work(pin!(workers.run_in_turn(async { 7 }))).await
        });
        let next = tokio::time::timeout(TURN / 2, turns.take(peer(2), 1)).await;
        assert!(next.unwrap().is_some(), "the call keeps its turn while it waits for a place");
        open.send(()).unwrap();
        holds.await.unwrap();
        assert_eq!(waits.await.unwrap(), 7);
    }

    #[tokio::test]
    async fn of_too_many_calls_the_newest_of_the_peer_with_the_most_are_refused_at_once() {
        let turns = Turns::new(1, Patience { in_order: LONG, most: LONG });
        let first = turns.take(peer(1), 1).await.unwrap();
        let (refused, mut numbers) = mpsc::unbounded_channel();
        let wait = |number: usize, pid: i32| {
            let (turns, refused) = (Arc::clone(&turns), refused.clone());
            tokio::spawn(async move {
                if turns.take(peer(pid), 1).await.is_none() {
                    refused.send(number).unwrap();
                }
            });
            tokio::task::yield_now()
        };
        for number in 0..WAITING {
            wait(number, 1).await;
        }
        wait(WAITING, 1).await;
        assert_eq!(numbers.recv().await, Some(WAITING));
        wait(WAITING + 1, 2).await;
        assert_eq!(numbers.recv().await, Some(WAITING - 1));
        assert_eq!(turns.lock().in_order, WAITING);
        drop(first);
        drop(refused);
        assert_eq!(numbers.recv().await, None, "the others get their turns");
    }

    #[tokio::test]
    async fn many_peers_are_forgotten() {
        let turns = Turns::new(1, Patience { in_order: LONG, most: LONG });
        for pid in 0..5000 {
            drop(turns.try_take(peer(pid), 1).unwrap());
        }
        assert!(turns.lock().peers.len() <= MANY_PEERS);
    }
}
