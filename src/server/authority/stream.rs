//! The stream with the filter.
//!
//! Invariant: a read that is ready without bytes is the end of the stream, never a pause while bytes are held.

use crate::server::authority::frames::Frames;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The capacity that the buffer of held bytes may keep between two header blocks.
const KEPT: usize = 4 << 10;

/// A stream of HTTP/2 from a client, in which each `:authority` that h2 would refuse is rewritten.
///
/// Bytes are processed in the buffer of the reader. Only a header block, or the head of a frame, that a read ends
/// in is held until the rest of it arrives.
#[derive(Debug)]
pub struct Mended<S> {
    inner: S,
    frames: Frames,
    held: Vec<u8>,
    /// How many of the held bytes have been passed on, and how many may be.
    out: usize,
    done: usize,
}

impl<S> Mended<S> {
    /// Adds the filter to a stream from which nothing has been read.
    pub fn new(inner: S) -> Self {
        Self { inner, frames: Frames::new(), held: Vec::new(), out: 0, done: 0 }
    }

    /// Passes on held bytes that are done.
    fn pass_on(&mut self, buf: &mut ReadBuf<'_>) {
        let length = buf.remaining().min(self.done - self.out);
        buf.put_slice(&self.held[self.out..self.out + length]);
        self.out += length;
        if self.out < self.done {
            return;
        }
        self.held.drain(..self.done);
        (self.out, self.done) = (0, 0);
        if self.held.is_empty() && self.held.capacity() > KEPT {
            self.held = Vec::new();
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Mended<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        loop {
            if this.done > 0 {
                this.pass_on(buf);
                return Poll::Ready(Ok(()));
            }
            let start = buf.filled().len();
            ready!(Pin::new(&mut this.inner).poll_read(cx, buf))?;
            let window = &mut buf.filled_mut()[start..];
            if window.is_empty() {
                if this.held.is_empty() {
                    return Poll::Ready(Ok(()));
                }
                this.frames.end();
                this.done = this.held.len();
            } else if this.held.is_empty() {
                let done = this.frames.walk(window);
                this.held.extend_from_slice(&window[done..]);
                buf.set_filled(start + done);
                if done > 0 {
                    return Poll::Ready(Ok(()));
                }
            } else {
                this.held.extend_from_slice(window);
                buf.set_filled(start);
                this.done = this.frames.walk(&mut this.held);
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Mended<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}
