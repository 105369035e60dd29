//! A status of gRPC as Connect's error: an HTTP status, and a JSON object with the code, the message and the details.

use crate::proto_json;
use crate::server::code;
use crate::server::web::methods::Methods;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use http::StatusCode;
use prost::Message;
use prost_types::Any;
use serde_json::{Value, json};
use tonic::{Code, Status};

/// `google.rpc.Status`, of which only the details are read: tonic has read the rest.
#[derive(Clone, PartialEq, Message)]
struct RpcStatus {
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

/// The HTTP status and the body of a failed call.
pub(super) fn of(status: &Status, methods: &Methods) -> (StatusCode, Value) {
    let (code, http) = names(status.code());
    let details = RpcStatus::decode(status.details()).unwrap_or_default().details;
    let details: Vec<Value> = details.iter().map(|detail| self::detail(detail, methods)).collect();
    (http, json!({ "code": code, "message": status.message(), "details": details }))
}

/// A detail, with its content in a readable form where its type is known.
fn detail(detail: &Any, methods: &Methods) -> Value {
    let name = detail.type_url.rsplit('/').next().unwrap_or_default();
    let mut json = json!({ "type": name, "value": STANDARD_NO_PAD.encode(&detail.value) });
    let known = methods.message(name);
    if let Some(Ok(mut debug)) = known.map(|known| proto_json::print(known, &detail.value)) {
        debug.sort_all_objects();
        json["debug"] = debug;
    }
    json
}

/// Connect's name of a code, and its HTTP status.
fn names(code: Code) -> (String, StatusCode) {
    let http = match code {
        Code::Ok => 200,
        Code::Cancelled => 499,
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => 400,
        Code::Unauthenticated => 401,
        Code::PermissionDenied => 403,
        Code::NotFound => 404,
        Code::AlreadyExists | Code::Aborted => 409,
        Code::ResourceExhausted => 429,
        Code::Unimplemented => 501,
        Code::Unavailable => 503,
        Code::DeadlineExceeded => 504,
        Code::Unknown | Code::Internal | Code::DataLoss => 500,
    };
    let name = if code == Code::Cancelled {
        "canceled".to_owned()
    } else {
        code::names(code).0.to_ascii_lowercase()
    };
    (name, StatusCode::from_u16(http).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
}
