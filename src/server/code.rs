//! gRPC's status codes: their names, and those with which tonic refuses requests.

use crate::call_end::status_code;
use http::HeaderMap;
use tonic::{Code, Status};

/// The name of a code in the protocol, and its name in Go, which metrics use.
pub(crate) fn names(code: Code) -> (&'static str, &'static str) {
    match code {
        Code::Ok => ("OK", "OK"),
        Code::Cancelled => ("CANCELLED", "Canceled"),
        Code::Unknown => ("UNKNOWN", "Unknown"),
        Code::InvalidArgument => ("INVALID_ARGUMENT", "InvalidArgument"),
        Code::DeadlineExceeded => ("DEADLINE_EXCEEDED", "DeadlineExceeded"),
        Code::NotFound => ("NOT_FOUND", "NotFound"),
        Code::AlreadyExists => ("ALREADY_EXISTS", "AlreadyExists"),
        Code::PermissionDenied => ("PERMISSION_DENIED", "PermissionDenied"),
        Code::ResourceExhausted => ("RESOURCE_EXHAUSTED", "ResourceExhausted"),
        Code::FailedPrecondition => ("FAILED_PRECONDITION", "FailedPrecondition"),
        Code::Aborted => ("ABORTED", "Aborted"),
        Code::OutOfRange => ("OUT_OF_RANGE", "OutOfRange"),
        Code::Unimplemented => ("UNIMPLEMENTED", "Unimplemented"),
        Code::Internal => ("INTERNAL", "Internal"),
        Code::Unavailable => ("UNAVAILABLE", "Unavailable"),
        Code::DataLoss => ("DATA_LOSS", "DataLoss"),
        Code::Unauthenticated => ("UNAUTHENTICATED", "Unauthenticated"),
    }
}

/// Whether tonic refused to decode a request because of its size. None of the services answers `OUT_OF_RANGE` itself,
/// or `RESOURCE_EXHAUSTED` without details.
pub(super) fn is_undecoded(headers: &HeaderMap) -> bool {
    match status_code(headers) {
        Some(Code::OutOfRange) => true,
        Some(Code::ResourceExhausted) => !headers.contains_key(Status::GRPC_STATUS_DETAILS),
        Some(_) | None => false,
    }
}
