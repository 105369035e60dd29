//! One call in Connect's unary protocol: the request becomes a gRPC request, and the response of gRPC becomes its own.
//!
//! The request is read and translated only when the service asks for it, so that the limits of calls come first. A request
//! that cannot be translated goes on as one that gRPC refuses too, so that it is counted and logged like any other.

use crate::domain::encoding::Encoding;
use crate::domain::json_size::measure_json;
use crate::domain::limits::{JSON_DEPTH, JSON_VALUES};
use crate::proto_json;
use crate::server::callee::Callee;
use crate::server::receive::PREFIX_BYTES;
use crate::server::web::methods::Messages;
use crate::server::web::{Codec, Web, error};
use futures_util::stream;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TE};
use http::response::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, LengthLimitError, Limited, StreamBody};
use prost::Message;
use prost::bytes::{BufMut, Bytes, BytesMut};
use prost_reflect::MessageDescriptor;
use std::sync::{Arc, OnceLock};
use tonic::body::Body;
use tonic::{Code, Status};
use tower::BoxError;

/// The time that a caller allows, in milliseconds.
const TIMEOUT: &str = "connect-timeout-ms";

/// The start of a message of gRPC that is larger than any limit.
const TOO_LARGE: [u8; PREFIX_BYTES] = [0, 0xff, 0xff, 0xff, 0xff];

/// Bytes that are not a message of protobuf.
const UNDECODABLE: &[u8] = &[7];

/// Answers a call.
pub(super) async fn call<S, B>(
    inner: &S,
    web: &Web,
    codec: Codec,
    request: Request<B>,
) -> Response<Body>
where
    S: Callee<Body>,
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let path = request.uri().path();
    let Some(Messages { input, output, .. }) = web.methods.find(path) else {
        let text = format!("this server has no method {path} with one request and one response");
        return failed(HeaderMap::new(), &Status::unimplemented(text), web);
    };
    let encoded = request.headers().get(CONTENT_ENCODING);
    if encoded.is_some_and(|encoding| encoding != "identity") {
        let text = "compressed requests are accepted in gRPC only: send the request without content-encoding";
        return failed(HeaderMap::new(), &Status::unimplemented(text), web);
    }
    let (mut parts, body) = request.into_parts();
    grpc_headers(&mut parts.headers);
    if codec == Codec::Json {
        parts.extensions.insert(Encoding::Json);
    }
    let refused = Arc::new(OnceLock::new());
    let message = read(body, web.clone(), codec, input, Arc::clone(&refused));
    let message = stream::once(async move { message.await.map(Frame::data) });
    let request = Request::from_parts(parts, Body::new(StreamBody::new(Box::pin(message))));
    let response = inner.answer(request).await;
    answer(response, codec, output, web, refused.get()).await
}

/// Replaces the headers of Connect and HTTP with gRPC's.
fn grpc_headers(headers: &mut HeaderMap) {
    if let Some(timeout) = headers.remove(TIMEOUT).and_then(|timeout| grpc_timeout(&timeout)) {
        headers.insert("grpc-timeout", timeout);
    }
    for header in [CONTENT_LENGTH, CONTENT_ENCODING, ACCEPT_ENCODING] {
        headers.remove(header);
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(TE, HeaderValue::from_static("trailers"));
}

/// gRPC's timeout has at most eight digits, Connect's ten. An invalid one is treated as absent, as in gRPC.
fn grpc_timeout(timeout: &HeaderValue) -> Option<HeaderValue> {
    let text = timeout.to_str().ok()?;
    let is_count = (1..=10).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    let milliseconds: u64 = text.parse().ok().filter(|_| is_count)?;
    let timeout = if text.len() <= 8 {
        format!("{milliseconds}m")
    } else {
        format!("{}S", milliseconds / 1000)
    };
    HeaderValue::from_str(&timeout).ok()
}

/// Reads a request, as a message of gRPC. What is wrong with it is more than gRPC says of a message that it refuses.
async fn read(
    body: impl http_body::Body<Data = Bytes, Error: Into<BoxError>>,
    web: Web,
    codec: Codec,
    input: MessageDescriptor,
    refused: Arc<OnceLock<Status>>,
) -> Result<Bytes, Status> {
    let body = match Limited::new(body, web.request_bytes).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Ok(Bytes::from_static(&TOO_LARGE)),
        Err(error) => return Err(Status::cancelled(format!("the request broke off: {error}"))),
    };
    let message = match codec {
        Codec::Proto => body,
        Codec::Json => match from_json(&input, &body) {
            Ok(message) => message.into(),
            Err(error) => {
                let _ = refused.set((web.undecodable)(&error));
                Bytes::from_static(UNDECODABLE)
            }
        },
    };
    let mut framed = BytesMut::with_capacity(PREFIX_BYTES + message.len());
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    framed.put(message);
    Ok(framed.freeze())
}

/// The message that a JSON text is. Its size is known before: an object of few bytes takes a thousand in memory.
fn from_json(input: &MessageDescriptor, json: &[u8]) -> Result<Vec<u8>, String> {
    let (values, depth) = measure_json(json);
    if values > JSON_VALUES {
        return Err(format!("it has more than {JSON_VALUES} JSON values"));
    }
    if depth > JSON_DEPTH {
        return Err(format!("it is nested deeper than {JSON_DEPTH}"));
    }
    let text = std::str::from_utf8(json).map_err(|error| error.to_string())?;
    Ok(proto_json::parse(input, text)?.encode_to_vec())
}

/// The response of a call that gRPC has answered.
async fn answer(
    response: Response<Body>,
    codec: Codec,
    output: MessageDescriptor,
    web: &Web,
    refused: Option<&Status>,
) -> Response<Body> {
    let (Parts { mut headers, .. }, body) = response.into_parts();
    let early = Status::from_header_map(&headers);
    let (trailers, message) = match body.collect().await {
        Ok(body) => (body.trailers().cloned().unwrap_or_default(), body.to_bytes()),
        Err(status) => return failed(headers, &status, web),
    };
    let status = early.or_else(|| Status::from_header_map(&trailers));
    let status = status.unwrap_or_else(|| Status::internal("the call ended without a status"));
    let status = refused.filter(|_| status.code() != Code::Ok).unwrap_or(&status);
    for (name, value) in &trailers {
        if let Ok(name) = HeaderName::try_from(format!("trailer-{name}")) {
            headers.append(name, value.clone());
        }
    }
    if status.code() != Code::Ok {
        return failed(headers, status, web);
    }
    let message = message.slice(PREFIX_BYTES.min(message.len())..);
    let body = match codec {
        Codec::Proto => Ok(message),
        Codec::Json => proto_json::print(output, &message).map(|mut json| {
            // A map has no order in protobuf; the same response is to be the same bytes.
            json.sort_all_objects();
            Bytes::from(json.to_string())
        }),
    };
    match body {
        Ok(body) => respond(StatusCode::OK, headers, codec.content_type(), body),
        Err(error) => failed(headers, &Status::internal(error), web),
    }
}

/// The response to a request that is not a message.
pub(super) fn undecodable(error: &str, web: &Web) -> Response<Body> {
    failed(HeaderMap::new(), &(web.undecodable)(error), web)
}

/// The response of a call that failed.
fn failed(headers: HeaderMap, status: &Status, web: &Web) -> Response<Body> {
    let (http, body) = error::of(status, &web.methods);
    respond(http, headers, Codec::Json.content_type(), body.to_string().into())
}

/// A response with the metadata of gRPC's, without what is gRPC's own.
fn respond(
    status: StatusCode,
    mut headers: HeaderMap,
    content_type: HeaderValue,
    body: Bytes,
) -> Response<Body> {
    let own = |name: &str| name.starts_with("grpc-") || name.starts_with("trailer-grpc-");
    let names: Vec<HeaderName> =
        headers.keys().filter(|name| own(name.as_str())).cloned().collect();
    for name in names {
        headers.remove(name);
    }
    headers.insert(CONTENT_TYPE, content_type);
    let mut response = Response::new(Body::new(http_body_util::Full::new(body)));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_converted() {
        let convert = |text| grpc_timeout(&HeaderValue::from_static(text));
        assert_eq!(convert("1500").unwrap(), "1500m");
        assert_eq!(convert("99999999").unwrap(), "99999999m");
        assert_eq!(convert("1234567890").unwrap(), "1234567S");
        for text in ["", "-1", "1.5", "12345678901", "5s"] {
            assert_eq!(convert(text), None, "{text}");
        }
    }
}
