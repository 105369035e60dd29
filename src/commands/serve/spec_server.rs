//! The service for the transport, with the limits of its messages and their compression.

use crate::api::Service;
use crate::api::codec::GenerateCodec;
use crate::api::pb::specd::{SERVICE, SpecServiceServer};
use crate::server::callee::Callee;
use http::{Request, Response};
use tonic::body::Body;
use tonic::codec::{CompressionEncoding, EnabledCompressionEncodings};
use tonic::server::{Grpc, NamedService};
use tower::service_fn;

/// The path of `Generate`.
const GENERATE: &str = "/specd.v1.SpecService/Generate";

/// Serves [`Service`]. `Generate` has a codec of its own: where the service has a template, no request is decoded and no answer is
/// encoded.
#[derive(Clone)]
pub(super) struct SpecServer {
    service: Service,
    others: SpecServiceServer<Service>,
    request_bytes: usize,
    answer_bytes: usize,
}

impl SpecServer {
    /// Serves a service with limits for messages.
    pub(super) fn new(service: Service, request_bytes: usize, answer_bytes: usize) -> Self {
        let others = SpecServiceServer::new(service.clone())
            .max_decoding_message_size(request_bytes)
            .max_encoding_message_size(answer_bytes)
            .accept_compressed(CompressionEncoding::Gzip)
            .send_compressed(CompressionEncoding::Gzip);
        Self { service, others, request_bytes, answer_bytes }
    }
}

impl NamedService for SpecServer {
    const NAME: &'static str = SERVICE;
}

impl Callee<Body> for SpecServer {
    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        if request.uri().path() != GENERATE {
            return self.others.answer(request).await;
        }
        let mut gzip = EnabledCompressionEncodings::default();
        gzip.enable(CompressionEncoding::Gzip);
        Grpc::new(GenerateCodec)
            .apply_compression_config(gzip, gzip)
            .apply_max_message_size_config(Some(self.request_bytes), Some(self.answer_bytes))
            .unary(service_fn(|request| self.service.generate_received(request)), request)
            .await
    }
}
