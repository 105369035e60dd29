//! The time of a gRPC call: when it began, and how long its caller waits for the answer.

use http::HeaderMap;
use std::time::{Duration, Instant};

/// The time of a call. The transport adds it to the extensions of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CallTime {
    /// When the headers of the request had arrived.
    pub(crate) began: Instant,
    /// The time that the caller allows.
    pub(crate) asked: Option<Duration>,
}

impl CallTime {
    /// The time of a call with these headers that begins now.
    pub(crate) fn begin(headers: &HeaderMap) -> Self {
        Self { began: Instant::now(), asked: asked(headers) }
    }
}

/// The time that the caller allows, from the `grpc-timeout` header: at most eight digits and a unit.
///
/// An invalid header is treated as absent.
fn asked(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(count * 3600)),
        "M" => Some(Duration::from_secs(count * 60)),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeout(text: &'static str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-timeout", text.parse().unwrap());
        asked(&headers)
    }

    #[test]
    fn units_are_grpcs() {
        assert_eq!(timeout("2H"), Some(Duration::from_secs(7200)));
        assert_eq!(timeout("3M"), Some(Duration::from_secs(180)));
        assert_eq!(timeout("99999999S"), Some(Duration::from_secs(99_999_999)));
        assert_eq!(timeout("50m"), Some(Duration::from_millis(50)));
        assert_eq!(timeout("7u"), Some(Duration::from_micros(7)));
        assert_eq!(timeout("0n"), Some(Duration::ZERO));
    }

    #[test]
    fn anything_else_is_absent() {
        for text in ["", "S", "5", "-5S", "123456789S", "5s", "5 S"] {
            assert_eq!(timeout(text), None, "{text:?}");
        }
        assert_eq!(asked(&HeaderMap::new()), None);
    }
}
