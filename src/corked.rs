//! A stream that joins small writes.
//!
//! HTTP/2 flushes the headers, the message and the trailers of a call one by one, each with a system call that can wake the other
//! side. Here the first flush only lets the other tasks of the thread run, which may have more to write, and the second one writes
//! everything.

use bytes::BytesMut;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::io::poll_write_buf;

/// So many bytes are written at once.
const ENOUGH: usize = 16 << 10;

/// A stream with the bytes that it holds back.
pub(crate) struct Corked<S> {
    stream: S,
    held: BytesMut,
    /// Whether the other tasks had their turn since the bytes were held back.
    has_waited: bool,
}

impl<S: AsyncWrite + Unpin> Corked<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, held: BytesMut::new(), has_waited: false }
    }

    fn write_held(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.held.is_empty() {
            if ready!(poll_write_buf(Pin::new(&mut self.stream), cx, &mut self.held))? == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
        }
        // An idle connection holds no memory.
        self.held = BytesMut::new();
        self.has_waited = false;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Corked<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Corked<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[io::IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let bytes = parts.iter().map(|part| part.len()).sum::<usize>();
        if self.held.len() + bytes >= ENOUGH {
            ready!(self.write_held(cx))?;
            return Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        }
        parts.iter().for_each(|part| self.held.extend_from_slice(part));
        Poll::Ready(Ok(bytes))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.held.is_empty() && !std::mem::replace(&mut self.has_waited, true) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        ready!(self.write_held(cx))?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.write_held(cx))?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue, Request, Response};
    use http_body_util::{BodyExt, Empty, Full};
    use hyper::service::service_fn;
    use hyper_util::rt::{TokioExecutor, TokioIo};
    use std::convert::Infallible;
    use std::future::poll_fn;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
    use tokio_util::io::InspectWriter;

    type Counting = InspectWriter<DuplexStream, Box<dyn FnMut(&[u8]) + Send>>;

    /// A corked stream, its other end, and the count of its writes, each of which takes at most so many bytes.
    fn corked(most: usize) -> (Corked<Counting>, DuplexStream, Arc<AtomicUsize>) {
        let (stream, other) = tokio::io::duplex(most);
        let writes = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&writes);
        let count = move |_: &[u8]| {
            counted.fetch_add(1, Ordering::Relaxed);
        };
        (Corked::new(InspectWriter::new(stream, Box::new(count))), other, writes)
    }

    /// One flush, which may be the first of two.
    async fn flush_once(stream: &mut Corked<Counting>) -> bool {
        let flush = |cx: &mut Context<'_>| Poll::Ready(Pin::new(&mut *stream).poll_flush(cx));
        poll_fn(flush).await.is_ready()
    }

    #[tokio::test]
    async fn what_is_written_until_the_second_flush_is_one_write() {
        let (mut stream, mut other, writes) = corked(1 << 16);
        for part in ["head", "ers"] {
            stream.write_all(part.as_bytes()).await.unwrap();
        }
        assert!(!flush_once(&mut stream).await);
        stream.write_all(b", trailers").await.unwrap();
        assert_eq!(writes.load(Ordering::Relaxed), 0);
        assert!(flush_once(&mut stream).await);
        let mut got = [0; 17];
        other.read_exact(&mut got).await.unwrap();
        assert_eq!((&got, writes.load(Ordering::Relaxed)), (b"headers, trailers", 1));
        // The next bytes wait again; nothing has nothing to wait for.
        assert!(flush_once(&mut stream).await);
        stream.write_all(b"x").await.unwrap();
        assert!(!flush_once(&mut stream).await);
    }

    #[tokio::test]
    async fn no_byte_is_lost_where_writes_are_short_or_the_stream_ends() {
        for most in [1, 999, 1 << 16] {
            let (mut stream, mut other, _) = corked(most);
            let sent: Vec<u8> = (0..100_000_u32).map(|n| n.to_le_bytes()[n as usize % 3]).collect();
            let sending = async {
                for (index, part) in sent.chunks(7001).enumerate() {
                    stream.write_all(part).await.unwrap();
                    assert!(stream.held.len() < ENOUGH);
                    if index % 3 == 0 {
                        stream.flush().await.unwrap();
                    }
                }
                stream.shutdown().await.unwrap();
            };
            let mut got = Vec::new();
            let (_, read) = tokio::join!(sending, other.read_to_end(&mut got));
            assert!(read.is_ok() && got == sent, "{most}");
        }
        let mut stream = Corked::new(io::Cursor::new(&mut [][..]));
        stream.write_all(b"x").await.unwrap();
        assert_eq!(stream.flush().await.unwrap_err().kind(), io::ErrorKind::WriteZero);
    }

    #[tokio::test]
    async fn an_answer_is_one_write() {
        let (stream, other, writes) = corked(1 << 16);
        let answer = |_: Request<hyper::body::Incoming>| async {
            let trailers =
                HeaderMap::from_iter([("grpc-status".parse().unwrap(), HeaderValue::from(0))]);
            let body = Full::new(Bytes::from(vec![b'x'; 3000]));
            Ok::<_, Infallible>(Response::new(body.with_trailers(async { Some(Ok(trailers)) })))
        };
        let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        tokio::spawn(server.serve_connection(TokioIo::new(stream), service_fn(answer)));
        let client = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
        let (mut client, connection) = client.handshake(TokioIo::new(other)).await.unwrap();
        tokio::spawn(connection);
        let mut before = 0;
        for _ in 0..3 {
            before = writes.load(Ordering::Relaxed);
            let request = Request::post("http://x/").body(Empty::<Bytes>::new()).unwrap();
            let answer = client.send_request(request).await.unwrap().into_body();
            let answer = answer.collect().await.unwrap();
            assert_eq!(answer.trailers().unwrap()["grpc-status"], "0");
            assert_eq!(answer.to_bytes().len(), 3000);
        }
        assert_eq!(writes.load(Ordering::Relaxed) - before, 1);
    }
}
