//! The service that connections call.

use http::{Request, Response};
use hyper::body::Incoming;
use std::convert::Infallible;
use tonic::body::Body;
use tower::Service;

/// A service as connections call it.
pub(super) trait Callee:
    Service<
        Request<Incoming>,
        Response = Response<Body>,
        Error = Infallible,
        Future: Send + 'static,
    > + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> Callee for S where
    S: Service<
            Request<Incoming>,
            Response = Response<Body>,
            Error = Infallible,
            Future: Send + 'static,
        > + Clone
        + Send
        + Sync
        + 'static
{
}
