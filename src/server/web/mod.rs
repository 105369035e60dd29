//! gRPC-Web and Connect's unary protocol, beside gRPC on the same connections, over HTTP/1.1 too.
//!
//! A call in one of them becomes a gRPC call to the same services, inside of every layer: limits, metrics and the log
//! line of a call see no difference. tonic-web translates gRPC-Web; `connect` translates Connect, in which a call is
//! one request with a message in JSON or protobuf, as curl sends it.

mod connect;
mod error;
mod get;
mod methods;

use crate::server::callee::Callee;
use http::header::{ALLOW, CONTENT_TYPE, ORIGIN};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use methods::{LazyMethods, read_lazily};
use std::convert::Infallible;
use std::sync::Arc;
use tonic::Status;
use tonic::body::Body;
use tonic_web::GrpcWebLayer;
use tower::{Layer, ServiceExt};

/// The answer to a request in another protocol.
const PROTOCOLS: &str = "this server speaks gRPC over HTTP/2, and gRPC-Web and Connect over HTTP/1.1 and HTTP/2: \
                         send POST /SERVICE/METHOD with the content type application/json\n";

/// The answer to a request of a web page. A name that leads to this machine would let any page call a server without TLS.
const PAGES: &str = "requests of web pages are refused: a proxy in front must remove the header Origin; without TLS, GET needs an IP \
                     address or localhost as the host\n";

/// What the translation of Connect's messages needs.
#[derive(Debug, Clone)]
pub struct Web {
    methods: Arc<LazyMethods>,
    /// The largest request, in bytes.
    request_bytes: usize,
    /// The status of a request that is not a message of its type.
    undecodable: fn(&str) -> Status,
}

impl Web {
    /// Serves the unary methods of encoded descriptor sets.
    #[must_use]
    pub fn new(
        descriptor_sets: &'static [&'static [u8]],
        request_bytes: usize,
        undecodable: fn(&str) -> Status,
    ) -> Self {
        Self { methods: Arc::new(read_lazily(descriptor_sets)), request_bytes, undecodable }
    }
}

/// How a request is to be answered. A request without a content type is left to gRPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Grpc,
    GrpcWeb,
    Connect(Codec),
    Unknown,
}

/// The form of Connect's messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Codec {
    Json,
    Proto,
}

impl Codec {
    /// The codec of a subtype of `application/`.
    fn from_name(name: &str) -> Option<Self> {
        match name {
            "json" => Some(Self::Json),
            "proto" => Some(Self::Proto),
            _ => None,
        }
    }

    fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Json => "application/json",
            Self::Proto => "application/proto",
        })
    }
}

fn protocol(headers: &HeaderMap) -> Protocol {
    let Some(content_type) = headers.get(CONTENT_TYPE) else { return Protocol::Grpc };
    let content_type = content_type.as_bytes();
    if let Some(rest) = content_type.strip_prefix(b"application/grpc") {
        return if rest.starts_with(b"-web") { Protocol::GrpcWeb } else { Protocol::Grpc };
    }
    let essence = content_type.split(|byte| *byte == b';').next().unwrap_or_default();
    let essence = essence.trim_ascii().to_ascii_lowercase();
    let name = str::from_utf8(&essence).ok().and_then(|name| name.strip_prefix("application/"));
    name.and_then(Codec::from_name).map_or(Protocol::Unknown, Protocol::Connect)
}

/// A service of gRPC that is also called by the other protocols, unless they are off.
#[derive(Debug, Clone)]
pub struct Translated<S> {
    inner: S,
    web: Option<Web>,
}

impl<S> Translated<S> {
    /// Adds the protocols to a service.
    pub fn new(inner: S, web: Option<Web>) -> Self {
        Self { inner, web }
    }
}

impl<S: Callee<Incoming> + Callee<Body>> Callee<Incoming> for Translated<S> {
    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let Some(web) = &self.web else { return self.inner.answer(request).await };
        let is_http2 = request.version() == Version::HTTP_2;
        if request.method() == Method::GET && web.methods.have_no_side_effects(request.uri().path())
        {
            if request.headers().contains_key(ORIGIN) || get::may_be_of_a_page(&request) {
                return plain(StatusCode::FORBIDDEN, PAGES);
            }
            return match get::to_post(request) {
                Ok((codec, request)) => {
                    Box::pin(connect::call(&self.inner, web, codec, request)).await
                }
                Err(error) => connect::undecodable(&error, web),
            };
        }
        match protocol(request.headers()) {
            Protocol::Grpc if is_http2 => self.inner.answer(request).await,
            Protocol::GrpcWeb | Protocol::Connect(_) if request.headers().contains_key(ORIGIN) => {
                plain(StatusCode::FORBIDDEN, PAGES)
            }
            Protocol::Grpc | Protocol::Unknown => {
                plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, PROTOCOLS)
            }
            Protocol::GrpcWeb => Box::pin(grpc_web(self.inner.clone(), request)).await,
            Protocol::Connect(_) if request.method() != Method::POST => {
                let mut refusal = plain(StatusCode::METHOD_NOT_ALLOWED, "send POST\n");
                refusal.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
                refusal
            }
            Protocol::Connect(codec) => {
                Box::pin(connect::call(&self.inner, web, codec, request)).await
            }
        }
    }
}

/// Answers a call in gRPC-Web.
async fn grpc_web<S: Callee<Body>>(inner: S, request: Request<Incoming>) -> Response<Body> {
    let inner = tower::service_fn(move |request: Request<Body>| {
        let inner = inner.clone();
        async move { Ok::<_, Infallible>(inner.answer(request).await) }
    });
    let Ok(response) = GrpcWebLayer::new().layer(inner).oneshot(request).await;
    response
}

/// A response with a text for people.
fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::new(text.to_owned()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_type_names_the_protocol() {
        for (text, wanted) in [
            ("application/grpc", Protocol::Grpc),
            ("application/grpc+proto", Protocol::Grpc),
            ("application/grpc-web", Protocol::GrpcWeb),
            ("application/grpc-web-text+proto", Protocol::GrpcWeb),
            ("application/json", Protocol::Connect(Codec::Json)),
            ("application/json; charset=utf-8", Protocol::Connect(Codec::Json)),
            ("Application/JSON", Protocol::Connect(Codec::Json)),
            ("application/proto", Protocol::Connect(Codec::Proto)),
            ("application/connect+json", Protocol::Unknown),
            ("text/plain", Protocol::Unknown),
        ] {
            let value = HeaderValue::from_static(text);
            assert_eq!(protocol(&[(CONTENT_TYPE, value)].into_iter().collect()), wanted, "{text}");
        }
        assert_eq!(protocol(&HeaderMap::new()), Protocol::Grpc);
    }
}
