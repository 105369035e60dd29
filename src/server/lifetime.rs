//! How long a connection lives: until its client is too slow to begin, too old, or the server stops.
//!
//! Silence in between is HTTP/2's own business, by its pings.
//!
//! Invariant: a connection that has begun is never cut before its calls had the drain timeout to end.

use crate::server::listen::Duplex;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::CancellationToken;

/// How many bytes a client sends first: `PRI * HTTP/2.0` and what belongs to it.
const PREFACE_BYTES: usize = 24;

/// The bounds of a connection's life.
#[derive(Debug, Clone)]
pub struct Lifetime {
    /// How long a client may take from connecting to the end of its preface.
    pub handshake_timeout: Duration,
    /// The age at which it is told to make another connection, or nothing for any age.
    pub age: Option<Duration>,
    /// How long its calls may go on after that.
    pub drain_timeout: Duration,
}

impl Default for Lifetime {
    fn default() -> Self {
        Self {
            handshake_timeout: Duration::from_secs(10),
            age: Some(Duration::from_secs(3600)),
            drain_timeout: Duration::from_secs(10),
        }
    }
}

impl Lifetime {
    /// Drives a connection to its end: its own, or the one that is set here or by the wish to stop.
    pub(super) async fn drive<C: Future<Output = hyper::Result<()>>>(
        &self,
        mut connection: Pin<&mut C>,
        go_away: impl FnOnce(Pin<&mut C>),
        begun: &Begun,
        stop: &CancellationToken,
    ) -> hyper::Result<()> {
        let too_slow = async {
            tokio::time::sleep(self.handshake_timeout).await;
            if begun.is_done() {
                std::future::pending::<()>().await;
            }
        };
        let grace = tokio::select! {
            ended = connection.as_mut() => return ended,
            () = too_slow => {
                tracing::debug!(within = ?self.handshake_timeout, "the client did not begin");
                return Ok(());
            }
            () = sleep(self.jittered_age()) => Some(self.drain_timeout),
            // How long this may take is for the one who stops the server to say.
            () = stop.cancelled() => None,
        };
        go_away(connection.as_mut());
        tokio::select! {
            ended = connection => ended,
            () = sleep(grace) => Ok(()),
        }
    }

    /// The age of one connection: a tenth more or less, so that clients which came together do not all
    /// come back together.
    fn jittered_age(&self) -> Option<Duration> {
        let age = self.age?;
        // A hasher with new keys is as good as a die, and needs no crate.
        let thousandths = u32::try_from(RandomState::new().hash_one(0) % 201).unwrap_or_default();
        Some(age.saturating_mul(900 + thousandths) / 1000)
    }
}

/// Sleeps so long, or for ever.
async fn sleep(time: Option<Duration>) {
    match time {
        Some(time) => tokio::time::sleep(time).await,
        None => std::future::pending().await,
    }
}

/// Whether a client has begun. All clones are one.
#[derive(Debug, Clone, Default)]
pub(super) struct Begun(Arc<AtomicUsize>);

impl Begun {
    /// Whether the whole preface was read.
    pub(super) fn is_done(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= PREFACE_BYTES
    }
}

/// A stream that notes when its client has begun.
pub(super) struct Counted {
    stream: Box<dyn Duplex>,
    begun: Begun,
}

impl Counted {
    pub(super) fn new(stream: Box<dyn Duplex>) -> (Self, Begun) {
        let begun = Begun::default();
        (Self { stream, begun: begun.clone() }, begun)
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        if !self.begun.is_done() {
            self.begun.0.fetch_add(buf.filled().len() - before, Ordering::Relaxed);
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

    #[test]
    fn ages_differ_by_a_tenth_at_most() {
        let lifetime = Lifetime { age: Some(Duration::from_secs(1000)), ..Default::default() };
        let ages: Vec<u64> = (0..200).map(|_| lifetime.jittered_age().unwrap().as_secs()).collect();
        assert!(ages.iter().all(|age| (900..=1100).contains(age)), "{ages:?}");
        assert!(ages.iter().min() < ages.iter().max());
        assert_eq!(Lifetime { age: None, ..lifetime }.jittered_age(), None);
    }
}
