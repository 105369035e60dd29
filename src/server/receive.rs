//! A request that has arrived whole, so that nothing is done for a client that does not finish it.

use crate::server::transit::Held;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::vec;

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

/// The body of a request that has arrived whole.
#[derive(Debug, Default)]
pub(super) struct Whole {
    first: Option<Bytes>,
    rest: vec::IntoIter<Bytes>,
}

/// Receives a body to its end, with a message of at most so many bytes, which count as held.
pub(super) async fn receive<B: Body<Data = Bytes>>(
    body: B,
    most_bytes: usize,
    held: &Held,
) -> Result<Whole, NotReceived> {
    let mut body = pin!(body);
    let (mut first, mut rest, mut bytes) = (None, Vec::new(), 0);
    while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        let frame = frame.map_err(|_| NotReceived::BrokenOff)?;
        // A request has no trailers that anything reads.
        let Ok(data) = frame.into_data() else { continue };
        bytes += data.len();
        if bytes > most_bytes.saturating_add(PREFIX_BYTES) {
            return Err(NotReceived::TooLarge);
        }
        held.grow(data.len());
        if first.is_none() {
            first = Some(data);
        } else {
            rest.push(data);
        }
        if body.is_end_stream() {
            break;
        }
    }
    Ok(Whole { first, rest: rest.into_iter() })
}

/// The body of a request: whole, or a stream of messages that is received while it is worked on.
#[derive(Debug)]
pub(super) enum Received<B> {
    Whole(Whole),
    Stream(B),
}

impl<B: Body<Data = Bytes> + Unpin> Body for Received<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match &mut *self {
            Self::Whole(whole) => {
                let data = whole.first.take().or_else(|| whole.rest.next());
                Poll::Ready(data.map(|data| Ok(Frame::data(data))))
            }
            Self::Stream(stream) => Pin::new(stream).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(whole) => whole.first.is_none() && whole.rest.as_slice().is_empty(),
            Self::Stream(stream) => stream.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(whole) => {
                let pieces = whole.first.iter().chain(whole.rest.as_slice());
                SizeHint::with_exact(pieces.map(|piece| piece.len() as u64).sum())
            }
            Self::Stream(stream) => stream.size_hint(),
        }
    }
}
