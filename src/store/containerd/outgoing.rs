//! The channel to containerd, with an observer of the start and the end of each call.

use crate::call_end::OnEnd;
use http::{HeaderMap, Request, Response};
use std::fmt;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tonic::Code;
use tonic::body::Body;
use tonic::transport::{Channel, Error};
use tower::Service;
use tracing::Span;

/// Observes the calls to containerd.
pub trait Observer: Send + Sync {
    /// A call starts, for example of `containerd.services.images.v1.Images/Get` at a socket; headers may be added to it. The
    /// span ends with the call.
    fn begins(&self, socket: &Path, method: &str, headers: &mut HeaderMap) -> Span;

    /// A call has ended, with `Cancelled` if its caller gave it up; a method is, for example, `Images.Get`.
    fn ended(&self, method: &str, code: Code, span: &Span);
}

impl Observer for () {
    fn begins(&self, _: &Path, _: &str, _: &mut HeaderMap) -> Span {
        Span::none()
    }

    fn ended(&self, _: &str, _: Code, _: &Span) {}
}

/// The channel to containerd, with an observer of its calls.
#[derive(Clone)]
pub(super) struct Outgoing {
    pub(super) channel: Channel,
    pub(super) socket: Arc<Path>,
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

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        let path = parts.uri.path();
        let full = path.trim_start_matches('/');
        let span = self.observer.begins(&self.socket, full, &mut parts.headers);
        let (method, observer) = (method(path), Arc::clone(&self.observer));
        let mut on_end = OnEnd::new(move |code| observer.ended(&method, code, &span));
        let answer = self.channel.call(Request::from_parts(parts, body));
        Box::pin(async move {
            match answer.await {
                Ok(response) => Ok(on_end.watch(response, Span::none())),
                Err(error) => {
                    on_end.run(Code::Unavailable);
                    Err(error)
                }
            }
        })
    }
}

/// `Images.Get` of `/containerd.services.images.v1.Images/Get`.
fn method(path: &str) -> String {
    path.rsplit_once('.').map_or(path, |(_, name)| name).replace('/', ".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_named_as_in_errors() {
        assert_eq!(method("/containerd.services.images.v1.Images/Get"), "Images.Get");
    }
}
