//! The places of connections: how many are open at a listener, how many of them belong to one peer, and which one
//! is closed for a new one.

use crate::server::listen::Peer;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// A peer as places are counted: a process of this machine, or an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Owner {
    Process(u32, Option<i32>),
    Address(IpAddr),
}

impl From<&Peer> for Owner {
    fn from(peer: &Peer) -> Self {
        match *peer {
            Peer::Tcp(address) => Self::Address(address.ip().to_canonical()),
            Peer::Unix { uid, pid, .. } => Self::Process(uid, pid),
        }
    }
}

/// Places for connections.
#[derive(Debug)]
pub(super) struct Places {
    most: usize,
    most_of_a_peer: usize,
    /// Whether an open connection is closed for a new one.
    makes_room: bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    /// By age.
    open: BTreeMap<u64, Open>,
    of_peers: HashMap<Owner, usize>,
}

impl State {
    /// Frees a place, if it is not free already.
    fn remove(&mut self, id: u64) -> Option<Open> {
        let open = self.open.remove(&id)?;
        if let Some(of_peer) = self.of_peers.get_mut(&open.owner) {
            *of_peer -= 1;
            if *of_peer == 0 {
                self.of_peers.remove(&open.owner);
            }
        }
        Some(open)
    }
}

#[derive(Debug)]
struct Open {
    owner: Owner,
    close: Arc<CancellationToken>,
    activity: Arc<Activity>,
}

impl Places {
    pub(super) fn new(most: usize, most_of_a_peer: usize, makes_room: bool) -> Arc<Self> {
        Arc::new(Self { most, most_of_a_peer, makes_room, state: Mutex::default() })
    }

    /// Takes a place, if one is free for this peer.
    pub(super) fn take(self: &Arc<Self>, peer: &Peer) -> Option<Place> {
        let owner = Owner::from(peer);
        let mut state = self.lock();
        let of_peer = state.of_peers.get(&owner).copied().unwrap_or_default();
        if of_peer >= self.most_of_a_peer && !self.makes_room {
            return None;
        }
        if state.open.len() >= self.most {
            if !self.makes_room {
                return None;
            }
            // The one that has been idle for the longest time, or else the oldest.
            let idle =
                state.open.iter().filter_map(|(id, open)| Some((open.activity.idle_since()?, *id)));
            let id = idle.min().map(|(_, id)| id).or_else(|| state.open.keys().next().copied())?;
            state.remove(id)?.close.cancel();
        }
        let id = state.next;
        state.next += 1;
        *state.of_peers.entry(owner).or_default() += 1;
        let (close, activity) = (Arc::new(CancellationToken::new()), Arc::new(Activity::new()));
        state
            .open
            .insert(id, Open { owner, close: Arc::clone(&close), activity: Arc::clone(&activity) });
        drop(state);
        Some(Place { places: Arc::clone(self), id, close, activity })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one connection, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    id: u64,
    /// Cancelled when another connection needs the place, or the client does not take its answers.
    pub(super) close: Arc<CancellationToken>,
    pub(super) activity: Arc<Activity>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.lock().remove(self.id);
    }
}

/// The calls of a connection.
#[derive(Debug)]
pub(super) struct Activity(Mutex<(usize, Instant)>);

impl Activity {
    fn new() -> Self {
        Self(Mutex::new((0, Instant::now())))
    }

    /// Counts a call until the returned value is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> ActiveCall {
        self.lock().0 += 1;
        ActiveCall(Arc::clone(self))
    }

    /// Since when it has had no call; nothing while it has one.
    fn idle_since(&self) -> Option<Instant> {
        let (calls, since) = *self.lock();
        (calls == 0).then_some(since)
    }

    /// Returns when there was no call for a time; never without a time.
    pub(super) async fn idle_for(&self, time: Option<Duration>) {
        let Some(time) = time else { return std::future::pending().await };
        loop {
            let idle = self.idle_since().map_or(Duration::ZERO, |since| since.elapsed());
            if idle >= time {
                return;
            }
            tokio::time::sleep(time - idle).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, (usize, Instant)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call that keeps its connection from being idle.
#[derive(Debug)]
pub(super) struct ActiveCall(Arc<Activity>);

impl Drop for ActiveCall {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        *state = (state.0 - 1, Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: i32) -> Peer {
        Peer::Unix { uid: 0, gid: 0, pid: Some(pid) }
    }

    #[test]
    fn a_peer_gets_its_share_and_others_the_rest() {
        let places = Places::new(3, 2, false);
        let [first, _second] =
            [places.take(&process(1)).unwrap(), places.take(&process(1)).unwrap()];
        assert!(places.take(&process(1)).is_none());
        let _other = places.take(&process(2)).unwrap();
        assert!(places.take(&process(3)).is_none());
        drop(first);
        assert!(places.take(&process(1)).is_some());
    }

    #[test]
    fn the_connection_that_is_idle_for_the_longest_time_makes_room() {
        let places = Places::new(2, 2, true);
        let [busy, idle] = [places.take(&process(1)).unwrap(), places.take(&process(1)).unwrap()];
        let call = busy.activity.begin();
        let third = places.take(&process(1)).unwrap();
        assert!(idle.close.is_cancelled() && !busy.close.is_cancelled());
        drop(idle);
        // All have calls: the oldest one makes room.
        let _calls = third.activity.begin();
        let _fourth = places.take(&process(4)).unwrap();
        assert!(busy.close.is_cancelled() && !third.close.is_cancelled());
        drop(call);
    }
}
