//! Reflection: lists the services of the server, in both versions of the protocol.

use http::{Request, Response};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};
use tonic::Status;
use tonic::body::Body;
use tonic::codec::CompressionEncoding;
use tonic::server::NamedService;
use tonic::service::Routes;
use tonic_reflection::server::{Builder, Error};
use tower::{Service, ServiceExt};

/// Adds reflection, v1 and v1alpha, for encoded descriptor sets.
#[must_use]
pub fn add(routes: Routes, descriptor_sets: &'static [&'static [u8]]) -> Routes {
    let gzip = CompressionEncoding::Gzip;
    let builder = || {
        descriptor_sets.iter().fold(Builder::configure(), |builder, set| {
            builder.register_encoded_file_descriptor_set(set)
        })
    };
    let v1 =
        Lazy::new(move || Ok(builder().build_v1()?.accept_compressed(gzip).send_compressed(gzip)));
    let v1alpha = Lazy::new(move || {
        Ok(builder().build_v1alpha()?.accept_compressed(gzip).send_compressed(gzip))
    });
    routes.add_service(v1).add_service(v1alpha)
}

/// A service that is built when it is called first: few servers are asked for their descriptors, which take a megabyte.
#[derive(Clone)]
struct Lazy<S>(Arc<LazyLock<Result<S, Error>, Build<S>>>);

type Build<S> = Box<dyn FnOnce() -> Result<S, Error> + Send>;

impl<S> Lazy<S> {
    fn new(build: impl FnOnce() -> Result<S, Error> + Send + 'static) -> Self {
        Self(Arc::new(LazyLock::new(Box::new(build))))
    }
}

impl<S: NamedService> NamedService for Lazy<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<Request<Body>> for Lazy<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send>
        + Clone
        + Send
        + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        match &**self.0 {
            Ok(service) => Box::pin(service.clone().oneshot(request)),
            Err(error) => {
                let status = Status::internal(format!("reflection: {error}"));
                Box::pin(async move { Ok(status.into_http()) })
            }
        }
    }
}
