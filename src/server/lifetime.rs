//! The end of a connection: its client is too slow to start, it is idle or too old, another one needs its place, its
//! client does not take its answers, or the server stops.
//!
//! Invariant: a connection that has started is never closed before its calls had the drain timeout to end, except
//! where another one needs its place, on the port for health, and where its client does not take its answers.

use crate::server::accepted::Duplex;
use crate::server::places::Place;
use crate::server::tasks::polled_when_woken;
use futures_util::StreamExt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::CancellationToken;

/// The length of the connection preface of HTTP/2, `PRI * HTTP/2.0 ...`, in bytes.
const PREFACE_BYTES: usize = 24;

/// The limits of a connection's lifetime.
#[derive(Debug, Clone)]
pub struct Lifetime {
    /// How long a client may take from its connection to the end of its preface.
    pub handshake_timeout: Duration,
    /// The age at which the client must open another connection; nothing for no limit.
    pub age: Option<Duration>,
    /// How long it may have no call; nothing for no limit.
    pub idle: Option<Duration>,
    /// How long its calls may take to end after that.
    pub drain_timeout: Duration,
}

impl Lifetime {
    /// Drives a connection to its end: by itself, by a limit, or by shutdown.
    pub(super) async fn drive<E, C: Future<Output = Result<(), E>>>(
        &self,
        mut connection: Pin<&mut C>,
        go_away: impl FnOnce(Pin<&mut C>),
        begun: &Begun,
        place: &Place,
        stop: &CancellationToken,
    ) -> Result<(), E> {
        let too_slow = async {
            tokio::time::sleep(self.handshake_timeout).await;
            if begun.is_done() {
                std::future::pending::<()>().await;
            }
        };
        let mut limit = polled_when_woken(async {
            tokio::select! {
                () = too_slow => {
                    tracing::debug!(within = ?self.handshake_timeout, "the client did not start HTTP");
                    End::Now
                }
                () = closed(place) => End::Now,
                () = place.activity.idle_for(self.idle) => End::Within(Some(self.drain_timeout)),
                () = sleep(self.jittered_age()) => End::Within(Some(self.drain_timeout)),
                // The caller of shutdown limits how long this may take.
                () = stop.cancelled() => End::Within(None),
            }
        });
        let end = tokio::select! {
            ended = connection.as_mut() => return ended,
            end = limit.next() => end,
        };
        let Some(End::Within(grace)) = end else { return Ok(()) };
        go_away(connection.as_mut());
        let mut limit = polled_when_woken(async {
            tokio::select! {
                () = closed(place) => {}
                () = sleep(grace) => {}
            }
        });
        tokio::select! {
            ended = connection => ended,
            _ = limit.next() => Ok(()),
        }
    }

    /// The age limit of one connection, give or take a tenth, so that clients that connected together do not
    /// all reconnect together.
    fn jittered_age(&self) -> Option<Duration> {
        let age = self.age?;
        Some(age.saturating_mul(fastrand::u32(900..=1100)) / 1000)
    }
}

/// How a limit ends a connection.
enum End {
    Now,
    /// Its calls may end within this time, if there is a limit.
    Within(Option<Duration>),
}

/// Returns when a connection is to be closed although its client has not ended it.
async fn closed(place: &Place) {
    place.close.cancelled().await;
    tracing::debug!(
        "closed: another connection needs the place, or the client does not take its answers"
    );
}

/// Sleeps for a time, or forever.
async fn sleep(time: Option<Duration>) {
    match time {
        Some(time) => tokio::time::sleep(time).await,
        None => std::future::pending().await,
    }
}

/// How much is read from a connection at a time, in bytes, before the other connections have their turn. HTTP/2 itself reads for
/// as long as there is something. These are 120 pings, which take about a quarter of a millisecond.
const TURN_BYTES: usize = 2 << 10;

/// Whether a client has started HTTP/2. All clones share the state.
#[derive(Debug, Clone, Default)]
pub(super) struct Begun(Arc<AtomicUsize>);

impl Begun {
    /// Whether the whole preface has been read.
    pub(super) fn is_done(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= PREFACE_BYTES
    }
}

/// A stream that records when its client has started HTTP/2, and pauses when its client sends more than others.
pub(super) struct Counted {
    stream: Box<dyn Duplex>,
    begun: Begun,
    /// What it has read since its last pause.
    read: usize,
}

impl Counted {
    pub(super) fn new(stream: Box<dyn Duplex>) -> (Self, Begun) {
        let begun = Begun::default();
        (Self { stream, begun: begun.clone(), read: 0 }, begun)
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.read >= TURN_BYTES {
            self.read = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let most = buf.remaining().min(TURN_BYTES - self.read);
        let mut part = ReadBuf::new(buf.initialize_unfilled_to(most));
        let polled = Pin::new(&mut self.stream).poll_read(cx, &mut part);
        let count = part.filled().len();
        buf.advance(count);
        self.read = if polled.is_ready() { self.read + count } else { 0 };
        if !self.begun.is_done() {
            self.begun.0.fetch_add(count, Ordering::Relaxed);
        }
        polled
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;

    #[tokio::test]
    async fn a_client_that_sends_much_gives_others_their_turn() {
        let (mut client, server) = tokio::io::duplex(8 * TURN_BYTES);
        client.write_all(&vec![0; 8 * TURN_BYTES]).await.unwrap();
        let (mut stream, begun) = Counted::new(Box::new(server));
        let mut turns = Vec::new();
        let mut bytes = vec![0; TURN_BYTES * 3 / 4];
        let mut read = 0;
        while turns.iter().sum::<usize>() < 8 * TURN_BYTES {
            let polled = std::future::poll_fn(|cx| {
                let mut buf = ReadBuf::new(&mut bytes);
                let polled = Pin::new(&mut stream).poll_read(cx, &mut buf);
                Poll::Ready(polled.map(|result| result.map(|()| buf.filled().len())))
            });
            match polled.await {
                Poll::Ready(count) => read += count.unwrap(),
                Poll::Pending => turns.push(std::mem::take(&mut read)),
            }
        }
        assert_eq!(turns, [TURN_BYTES; 8]);
        assert!(begun.is_done());
    }

    #[test]
    fn ages_differ_by_a_tenth_at_most() {
        let [handshake_timeout, drain_timeout] = [Duration::ZERO; 2];
        let age = Some(Duration::from_secs(1000));
        let lifetime = Lifetime { handshake_timeout, age, idle: None, drain_timeout };
        let ages: Vec<u64> = (0..200).map(|_| lifetime.jittered_age().unwrap().as_secs()).collect();
        assert!(ages.iter().all(|age| (900..=1100).contains(age)), "{ages:?}");
        assert!(ages.iter().min() < ages.iter().max());
        assert_eq!(Lifetime { age: None, ..lifetime }.jittered_age(), None);
    }
}
