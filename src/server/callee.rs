//! What answers calls: the layers of the server, from the outermost to the services.

use http::{Request, Response};
use std::convert::Infallible;
use tonic::body::Body;
use tower::{Service, ServiceExt};

/// Answers requests with bodies of a type. Unlike tower's `Service`, its future needs no box.
pub trait Callee<B>: Clone + Send + Sync + 'static {
    /// The answer to a request.
    fn answer(&self, request: Request<B>) -> impl Future<Output = Response<Body>> + Send;
}

impl<S, B> Callee<B> for S
where
    S: Service<Request<B>, Response = Response<Body>, Error = Infallible, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static,
    B: Send + 'static,
{
    async fn answer(&self, request: Request<B>) -> Response<Body> {
        let Ok(response) = self.clone().oneshot(request).await;
        response
    }
}
