//! The service that most calls are for, which is called without a router: a router looks up a path in a tree, and puts the
//! service, its future and its bodies into boxes for each call.

use crate::server::callee::Callee;
use http::{Request, Response};
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::service::Routes;

/// A service, and routes to others.
#[derive(Debug, Clone)]
pub struct Direct<S> {
    service: S,
    others: Routes,
}

impl<S: NamedService> Direct<S> {
    /// Calls `service` directly, and the others by their routes.
    pub fn new(service: S, others: Routes) -> Self {
        Self { service, others: others.prepare() }
    }

    /// Whether a path is that of a method of the service.
    fn has(path: &str) -> bool {
        let method = path.strip_prefix('/').and_then(|path| path.strip_prefix(S::NAME));
        method.is_some_and(|method| method.starts_with('/'))
    }
}

impl<S: Callee<Body> + NamedService> Callee<Body> for Direct<S> {
    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        if Self::has(request.uri().path()) {
            self.service.answer(request).await
        } else {
            self.others.answer(request).await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::pb::health::HealthServer;
    use crate::server::health::Health;

    #[test]
    fn a_method_is_below_the_name_of_its_service() {
        for (path, has) in [
            ("/grpc.health.v1.Health/Check", true),
            ("/grpc.health.v1.Health/", true),
            ("/grpc.health.v1.Health", false),
            ("/grpc.health.v1.Healthy/Check", false),
            ("grpc.health.v1.Health/Check", false),
        ] {
            assert_eq!(Direct::<HealthServer<Health>>::has(path), has, "{path}");
        }
    }
}
