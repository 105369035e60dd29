//! The headers of every call to containerd, and the report of its end.
//!
//! The deadline is sent with a little more time than is left, so that our clock ends a call: a caller that
//! waits for the same blob with more time must not get another caller's timeout.

use crate::call_end::OnEnd;
use crate::image::deadline;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tonic::Code;
use tonic::body::Body;
use tonic::transport::{Channel, Error};
use tower::Service;
use tracing::Span;

/// The header with the time that the caller waits.
const TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// How much longer containerd may work on a call than we wait for it.
const SLACK: Duration = Duration::from_millis(100);

/// Observes the calls to containerd.
pub trait Observer: Send + Sync {
    /// A call starts; headers may be added to it.
    fn begins(&self, headers: &mut HeaderMap);

    /// A call has ended, with `Cancelled` if its caller gave it up; a method is, for example, `Images.Get`.
    fn ended(&self, method: &str, code: Code);
}

impl Observer for () {
    fn begins(&self, _: &mut HeaderMap) {}

    fn ended(&self, _: &str, _: Code) {}
}

/// The channel to containerd, with an observer of its calls.
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
        if let Some(left) = deadline::left() {
            request.headers_mut().insert(TIMEOUT, timeout(left + SLACK));
        }
        self.observer.begins(request.headers_mut());
        let (method, observer) = (method(request.uri().path()), Arc::clone(&self.observer));
        let mut on_end = OnEnd::new(move |code| observer.ended(&method, code));
        let answer = self.channel.call(request);
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

/// Milliseconds, rounded up, or seconds if eight digits, the most that gRPC allows, are too few.
fn timeout(left: Duration) -> HeaderValue {
    let millis = left.as_micros().div_ceil(1000);
    let text = if millis < 100_000_000 {
        format!("{millis}m")
    } else {
        format!("{}S", left.as_secs().saturating_add(1).min(99_999_999))
    };
    // Digits and a letter are always a valid header value.
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("60S"))
}

/// `Images.Get` of `/containerd.services.images.v1.Images/Get`.
fn method(path: &str) -> String {
    path.rsplit_once('.').map_or(path, |(_, name)| name).replace('/', ".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_never_less_than_what_is_left() {
        for (left, text) in [
            (Duration::ZERO, "0m"),
            (Duration::from_micros(1), "1m"),
            (Duration::from_millis(1500), "1500m"),
            (Duration::from_secs(200_000), "200001S"),
            (Duration::MAX, "99999999S"),
        ] {
            assert_eq!(timeout(left), text);
        }
    }

    #[test]
    fn methods_are_named_as_in_errors() {
        assert_eq!(method("/containerd.services.images.v1.Images/Get"), "Images.Get");
    }
}
