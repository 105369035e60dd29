//! A request that arrives whole, so that nothing is done for a client that does not finish it.

use crate::server::transit::Held;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The bytes before a message of gRPC: whether it is compressed, and its length.
pub(super) const PREFIX_BYTES: usize = 5;

/// Why a request has not arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotReceived {
    /// It is larger than a message may be.
    TooLarge,
    /// The client broke it off.
    BrokenOff,
}

/// The body of a request that arrives, with a message of at most so many bytes.
#[derive(Debug)]
pub(super) struct Arriving<B> {
    body: B,
    most_bytes: usize,
    bytes: usize,
    whole: Whole,
}

impl<B: Body<Data = Bytes> + Unpin> Arriving<B> {
    /// A body of which nothing was received yet.
    pub(super) fn new(body: B, most_bytes: usize) -> Self {
        Self { body, most_bytes, bytes: 0, whole: Whole::default() }
    }

    /// How many bytes have arrived.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Receives what is there, which counts as held. It is ready when the body is whole.
    pub(super) fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        held: Option<&Held>,
    ) -> Poll<Result<Whole, NotReceived>> {
        while let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(cx)) {
            let frame = frame.map_err(|_| NotReceived::BrokenOff)?;
            // A request has no trailers that anything reads.
            let Ok(data) = frame.into_data() else { continue };
            self.bytes += data.len();
            if self.bytes > self.most_bytes.saturating_add(PREFIX_BYTES) {
                return Poll::Ready(Err(NotReceived::TooLarge));
            }
            if let Some(held) = held {
                held.grow(data.len());
            }
            self.whole.push(data);
            if self.body.is_end_stream() {
                break;
            }
        }
        Poll::Ready(Ok(std::mem::take(&mut self.whole)))
    }
}

/// The body of a request that has arrived whole.
#[derive(Debug, Default)]
pub(super) struct Whole {
    first: Option<Bytes>,
    rest: VecDeque<Bytes>,
}

impl Whole {
    fn push(&mut self, data: Bytes) {
        if self.first.is_none() {
            self.first = Some(data);
        } else {
            self.rest.push_back(data);
        }
    }

    /// How long it is, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.first.iter().chain(&self.rest).map(Bytes::len).sum()
    }
}

impl Body for Whole {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let data = self.first.take().or_else(|| self.rest.pop_front());
        Poll::Ready(data.map(|data| Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes() as u64)
    }
}
