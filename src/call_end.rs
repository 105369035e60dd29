//! The end of a gRPC call: an action that runs once, with the status code that the call ended with.

use bytes::Bytes;
use http::{HeaderMap, Response};
use http_body::{Frame, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tonic::body::Body;
use tonic::{Code, Status};
use tracing::Span;

/// An action for the end of a call. If it is dropped before, the call was cancelled.
pub(crate) struct OnEnd<F: FnOnce(Code)>(Option<F>);

impl<F: FnOnce(Code)> OnEnd<F> {
    pub(crate) fn new(action: F) -> Self {
        Self(Some(action))
    }

    /// Runs the action, unless it has run already.
    pub(crate) fn run(&mut self, code: Code) {
        if let Some(action) = self.0.take() {
            action(code);
        }
    }
}

impl<F: FnOnce(Code)> Drop for OnEnd<F> {
    fn drop(&mut self) {
        self.run(Code::Cancelled);
    }
}

impl<F: FnOnce(Code) + Send + Unpin + 'static> OnEnd<F> {
    /// Runs the action when a response has ended: at its status, or when it is dropped. The body is polled
    /// within a span.
    pub(crate) fn watch(mut self, response: Response<Body>, span: Span) -> Response<Body> {
        if let Some(code) = status_code(response.headers()) {
            self.run(code);
            return response;
        }
        response.map(|inner| Body::new(WatchedBody { inner, span, on_end: self }))
    }
}

/// The status code in headers or trailers, if they have one.
pub(crate) fn status_code(headers: &HeaderMap) -> Option<Code> {
    headers.get(Status::GRPC_STATUS).map(|code| Code::from_bytes(code.as_bytes()))
}

/// The body of a response, watched for the status that ends it.
struct WatchedBody<F: FnOnce(Code)> {
    inner: Body,
    span: Span,
    on_end: OnEnd<F>,
}

impl<F: FnOnce(Code) + Unpin> http_body::Body for WatchedBody<F> {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        let frame = ready!(this.span.in_scope(|| Pin::new(&mut this.inner).poll_frame(cx)));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(trailers) = frame.trailers_ref() {
                    self.on_end.run(status_code(trailers).unwrap_or(Code::Unknown));
                }
            }
            Some(Err(status)) => self.on_end.run(status.code()),
            None => self.on_end.run(Code::Unknown),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
