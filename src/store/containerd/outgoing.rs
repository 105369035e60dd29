//! The channel to containerd, with an observer of each call's begin and end.

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Frame, SizeHint};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tonic::body::Body;
use tonic::transport::{Channel, Error};
use tonic::{Code, Status};
use tower::Service;

/// An observer of the calls to containerd.
pub trait Observer: Send + Sync {
    /// A call begins; headers may be added.
    fn begins(&self, headers: &mut HeaderMap);

    /// A call is over; the method is for example `Images.Get`, the code `Cancelled` if the caller left.
    fn ended(&self, method: &str, code: Code);
}

impl Observer for () {
    fn begins(&self, _: &mut HeaderMap) {}

    fn ended(&self, _: &str, _: Code) {}
}

/// The channel to containerd, with its observer.
#[derive(Clone)]
pub(super) struct Outgoing {
    pub(super) channel: Channel,
    pub(super) observer: Arc<dyn Observer>,
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.channel.fmt(f)
    }
}

impl Service<Request<Body>> for Outgoing {
    type Response = Response<Body>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.channel.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        self.observer.begins(request.headers_mut());
        let mut watched =
            Watched { method: method(request.uri().path()), observer: Some(self.observer.clone()) };
        let answer = self.channel.call(request);
        Box::pin(async move {
            let response = match answer.await {
                Ok(response) => response,
                Err(error) => {
                    watched.end(Code::Unavailable);
                    return Err(error);
                }
            };
            if let Some(code) = code(response.headers()) {
                watched.end(code);
            }
            Ok(response.map(|inner| Body::new(WatchedBody { inner, watched })))
        })
    }
}

/// `Images.Get` of `/containerd.services.images.v1.Images/Get`.
fn method(path: &str) -> String {
    path.rsplit_once('.').map_or(path, |(_, name)| name).replace('/', ".")
}

fn code(headers: &HeaderMap) -> Option<Code> {
    headers.get(Status::GRPC_STATUS).map(|code| Code::from_bytes(code.as_bytes()))
}

/// A call until it is over. One that is dropped before was cancelled.
struct Watched {
    method: String,
    observer: Option<Arc<dyn Observer>>,
}

impl Watched {
    fn end(&mut self, code: Code) {
        if let Some(observer) = self.observer.take() {
            observer.ended(&self.method, code);
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.end(Code::Cancelled);
    }
}

struct WatchedBody {
    inner: Body,
    watched: Watched,
}

impl http_body::Body for WatchedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(trailers) = frame.trailers_ref() {
                    self.watched.end(code(trailers).unwrap_or(Code::Unknown));
                }
            }
            Some(Err(status)) => self.watched.end(status.code()),
            None => self.watched.end(Code::Unknown),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_named_as_in_errors() {
        assert_eq!(method("/containerd.services.images.v1.Images/Get"), "Images.Get");
    }
}
