//! Reading a stream through the filter, cut as one likes.

use crate::authority::random::Random;
use specd::server::authority::Mended;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use tokio::io::{AsyncRead, ReadBuf};

/// How a stream comes and how it is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cuts {
    /// All at once.
    None,
    /// One byte a read.
    Bytes,
    /// Any number of bytes in any buffer, with pauses, as follows from a seed.
    Random(u64),
}

struct Source<'a> {
    left: &'a [u8],
    cuts: Cuts,
    random: Random,
}

impl AsyncRead for Source<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let cuts = self.cuts;
        let most = match cuts {
            Cuts::None => self.left.len(),
            Cuts::Bytes => 1,
            Cuts::Random(_) if self.random.once_in(4) => return Poll::Pending,
            Cuts::Random(_) => 1 + self.size(),
        };
        let length = most.min(self.left.len()).min(buf.remaining());
        let (now, left) = self.left.split_at(length);
        buf.put_slice(now);
        self.left = left;
        Poll::Ready(Ok(()))
    }
}

impl Source<'_> {
    fn size(&mut self) -> usize {
        let scale = self.random.pick(&[3, 20, 200, 5_000]);
        self.random.below(scale)
    }
}

/// What h2 would read of a client's bytes.
///
/// It fails if a read is ready with nothing before the end, or leaves bytes behind.
pub(crate) fn filtered(bytes: &[u8], cuts: Cuts) -> Vec<u8> {
    let seed = if let Cuts::Random(seed) = cuts { seed } else { 0 };
    let mut stream = Mended::new(Source { left: bytes, cuts, random: Random(seed) });
    let mut random = Random(!seed);
    let mut context = Context::from_waker(Waker::noop());
    let mut read = Vec::with_capacity(bytes.len());
    let mut buffer = vec![0; bytes.len() + 1];
    loop {
        let size = match cuts {
            Cuts::None => buffer.len(),
            Cuts::Bytes => 1,
            Cuts::Random(_) => buffer.len().min(1 + random.pick(&[0, 9, 100, 8_000])),
        };
        let mut buf = ReadBuf::new(&mut buffer[..size]);
        match Pin::new(&mut stream).poll_read(&mut context, &mut buf) {
            Poll::Pending => {}
            Poll::Ready(result) => {
                result.unwrap();
                if buf.filled().is_empty() {
                    break;
                }
                read.extend_from_slice(buf.filled());
            }
        }
    }
    assert_eq!(read.len(), bytes.len(), "ended too early with {cuts:?}");
    read
}
