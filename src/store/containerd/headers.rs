//! The headers of every call to containerd: the namespace, and how long the caller waits.
//!
//! The timeout is a little longer than the time that is left, so that specd's own clock ends a call: another
//! call that waits for the same blob and has more time must not get the timeout of this one.

use super::status::Call;
use crate::domain::ids::Namespace;
use crate::store::StoreError;
use std::time::Duration;
use tonic::Request;
use tonic::metadata::{Ascii, MetadataValue};

/// containerd: `namespaces.GRPCHeader`.
const NAMESPACE: &str = "containerd-namespace";

/// How long the caller waits, in gRPC's format.
const TIMEOUT: &str = "grpc-timeout";

/// How much later than specd containerd ends a call.
const SLACK: Duration = Duration::from_millis(100);

/// A request within a namespace, with the deadline of the call.
///
/// # Errors
///
/// [`StoreError::Invalid`] if the namespace is not a valid header, which a checked one always is.
pub(super) fn request<T>(
    call: &Call,
    namespace: &Namespace,
    message: T,
) -> Result<Request<T>, StoreError> {
    let value = MetadataValue::try_from(namespace.as_str())
        .map_err(|_| call.invalid(format!("namespace {namespace:?} is not a valid header")))?;
    let mut request = timed(call, message);
    request.metadata_mut().insert(NAMESPACE, value);
    Ok(request)
}

/// A request with the deadline of the call.
pub(super) fn timed<T>(call: &Call, message: T) -> Request<T> {
    let mut request = Request::new(message);
    if let Some(left) = call.deadline.time_left() {
        request.metadata_mut().insert(TIMEOUT, timeout(left.saturating_add(SLACK)));
    }
    request
}

/// Milliseconds, rounded up, or seconds where the eight digits that gRPC allows are too few.
fn timeout(left: Duration) -> MetadataValue<Ascii> {
    let millis = left.as_micros().div_ceil(1000);
    let text = if millis < 100_000_000 {
        format!("{millis}m")
    } else {
        format!("{}S", left.as_secs().saturating_add(1).min(99_999_999))
    };
    // Digits and a letter are always a header value.
    MetadataValue::try_from(text).unwrap_or_else(|_| MetadataValue::from_static("60S"))
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
}
