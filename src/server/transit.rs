//! Messages on their way: requests that are not whole yet, and answers that their clients have not taken yet.
//!
//! What is held for slow clients is bounded in bytes, over all connections. The oldest message makes room for new ones.
//!
//! Invariant: a client that sends or takes nothing loses its message within the time limit, and holds up no other.

use crate::server::places::ActiveCall;
use bytes::{Buf, Bytes};
use http_body::{Frame, SizeHint};
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::body::Body;

/// All messages on their way.
#[derive(Debug)]
pub(super) struct Transit {
    most_bytes: usize,
    within: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    bytes: usize,
    /// By age.
    messages: BTreeMap<u64, Message>,
}

#[derive(Debug)]
struct Message {
    bytes: usize,
    since: Instant,
    /// Cancelled when the message is given up.
    lost: Arc<CancellationToken>,
}

impl State {
    fn remove(&mut self, id: u64) -> Option<Message> {
        let message = self.messages.remove(&id)?;
        self.bytes -= message.bytes;
        Some(message)
    }

    /// Gives the oldest messages up until there is room.
    fn make_room(&mut self, most_bytes: usize) {
        while self.bytes > most_bytes
            && let Some(id) = self.messages.keys().next().copied()
            && let Some(oldest) = self.remove(id)
        {
            oldest.lost.cancel();
        }
    }
}

impl Transit {
    /// At most so many bytes at a time, each message for at most so long.
    pub(super) fn new(most_bytes: usize, within: Duration) -> Arc<Self> {
        Arc::new(Self { most_bytes, within, state: Mutex::default() })
    }

    /// Counts a message of so many bytes until the returned value is dropped; `lost` is cancelled when it is given up.
    pub(super) fn hold(self: &Arc<Self>, bytes: usize, lost: &Arc<CancellationToken>) -> Held {
        let mut state = self.lock();
        let id = state.next;
        state.next += 1;
        state.bytes += bytes;
        let message = Message { bytes, since: Instant::now(), lost: Arc::clone(lost) };
        state.messages.insert(id, message);
        state.make_room(self.most_bytes);
        drop(state);
        Held { transit: Arc::clone(self), id }
    }

    /// Gives up the messages that take too long, for as long as it is polled.
    pub(super) async fn watch(&self) {
        loop {
            tokio::time::sleep(self.within / 4).await;
            let mut state = self.lock();
            while let Some((&id, oldest)) = state.messages.first_key_value()
                && oldest.since.elapsed() >= self.within
                && let Some(message) = state.remove(id)
            {
                message.lost.cancel();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A message that is counted.
#[derive(Debug)]
pub(super) struct Held {
    transit: Arc<Transit>,
    id: u64,
}

impl Held {
    /// The message has become larger.
    pub(super) fn grow(&self, bytes: usize) {
        let mut state = self.transit.lock();
        // A message that was given up is no longer counted.
        if let Some(message) = state.messages.get_mut(&self.id) {
            message.bytes += bytes;
            state.bytes += bytes;
            state.make_room(self.transit.most_bytes);
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.transit.lock().remove(self.id);
    }
}

/// The body of an answer: its pieces are counted until the client has taken them.
pub(super) struct Outgoing {
    body: Body,
    transit: Arc<Transit>,
    /// Closes the connection, because HTTP/2 no longer lets a single stream be reset.
    close: Arc<CancellationToken>,
    _call: ActiveCall,
}

impl Outgoing {
    /// The body of the answer to a call, which lasts until it is dropped.
    pub(super) fn new(
        body: Body,
        transit: Arc<Transit>,
        close: Arc<CancellationToken>,
        call: ActiveCall,
    ) -> Self {
        Self { body, transit, close, _call: call }
    }
}

impl http_body::Body for Outgoing {
    type Data = Piece;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Piece>, Status>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        let held =
            |bytes: Bytes| Piece { _held: self.transit.hold(bytes.len(), &self.close), bytes };
        Poll::Ready(frame.map(|frame| frame.map(|frame| frame.map_data(held))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A piece of an answer. HTTP/2 drops it when it is written to the socket, or when its stream is reset.
pub(super) struct Piece {
    bytes: Bytes,
    _held: Held,
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_message_makes_room() {
        let transit = Transit::new(10, Duration::MAX);
        let lost = [(); 3].map(|()| Arc::new(CancellationToken::new()));
        let is_lost = || lost.each_ref().map(|lost| lost.is_cancelled());
        let first = transit.hold(6, &lost[0]);
        let second = transit.hold(4, &lost[1]);
        assert_eq!(is_lost(), [false; 3]);
        second.grow(1);
        assert_eq!(is_lost(), [true, false, false]);
        first.grow(100);
        let _third = transit.hold(5, &lost[2]);
        assert_eq!(is_lost(), [true, false, false]);
        drop((first, second));
        assert_eq!(transit.lock().bytes, 5);
    }

    #[tokio::test]
    async fn a_message_is_given_up_after_its_time() {
        let transit = Transit::new(10, Duration::from_millis(40));
        let lost = Arc::new(CancellationToken::new());
        let _held = transit.hold(1, &lost);
        tokio::select! {
            () = transit.watch() => {}
            () = lost.cancelled() => {}
        }
        assert_eq!(transit.lock().bytes, 0);
    }
}
