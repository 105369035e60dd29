//! What clients may take at most, checked.

use super::{ConfigError, wrong};
use crate::cli::limits::LimitArgs;
use std::ops::RangeInclusive;
use std::time::Duration;

/// The most bytes of a message that any flag allows.
const MESSAGE_BYTES: usize = 64 << 20;

/// What clients may take at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Connections at a time.
    pub connections: usize,
    /// Calls at a time.
    pub in_flight: usize,
    /// Calls at a time on one connection.
    pub streams: u32,
    /// Bytes of a request.
    pub request_bytes: usize,
    /// Bytes of an answer.
    pub response_bytes: usize,
    /// Bytes of a call's metadata.
    pub header_bytes: u32,
    /// The time from connecting to the beginning of HTTP/2.
    pub handshake_timeout: Duration,
    /// The silence after which a connection is asked whether it lives.
    pub keepalive_interval: Duration,
    /// The time for the answer.
    pub keepalive_timeout: Duration,
    /// The age of a connection, or nothing for any.
    pub connection_age: Option<Duration>,
    /// The time that a call may take.
    pub call_timeout: Duration,
    /// The time that calls may go on once their connection or the server is to end.
    pub drain_timeout: Duration,
}

impl Limits {
    /// Checks the flags.
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] for the first flag that is out of range.
    pub fn new(args: &LimitArgs) -> Result<Self, ConfigError> {
        let age = Duration::from(args.max_connection_age);
        if !age.is_zero() {
            lasting("max-connection-age", age)?;
        }
        Ok(Self {
            connections: within("max-connections", args.max_connections, 1..=1 << 20)?,
            in_flight: within("max-in-flight", args.max_in_flight, 1..=1 << 20)?,
            streams: within("max-streams", args.max_streams, 1..=1 << 16)?,
            request_bytes: within("max-request-bytes", args.max_request_bytes, 1..=MESSAGE_BYTES)?,
            response_bytes: within(
                "max-response-bytes",
                args.max_response_bytes,
                1..=MESSAGE_BYTES,
            )?,
            header_bytes: within("max-header-bytes", args.max_header_bytes, 1 << 10..=1 << 20)?,
            handshake_timeout: lasting("handshake-timeout", args.handshake_timeout.into())?,
            keepalive_interval: lasting("keepalive-interval", args.keepalive_interval.into())?,
            keepalive_timeout: lasting("keepalive-timeout", args.keepalive_timeout.into())?,
            connection_age: (!age.is_zero()).then_some(age),
            call_timeout: lasting("call-timeout", args.call_timeout.into())?,
            drain_timeout: args.drain_timeout.into(),
        })
    }
}

fn within<T: PartialOrd + std::fmt::Display>(
    flag: &'static str,
    value: T,
    range: RangeInclusive<T>,
) -> Result<T, ConfigError> {
    if range.contains(&value) {
        return Ok(value);
    }
    let (least, most) = range.into_inner();
    Err(wrong(flag, format!("{value} is out of range, it may be {least} to {most}")))
}

fn lasting(flag: &'static str, value: Duration) -> Result<Duration, ConfigError> {
    if value < Duration::from_millis(1) {
        return Err(wrong(flag, "must be a millisecond or longer, as 60s"));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Flags {
        #[command(flatten)]
        limits: LimitArgs,
    }

    fn limits(flags: &[&str]) -> Result<Limits, ConfigError> {
        Limits::new(&Flags::parse_from(["serve"].iter().chain(flags)).limits)
    }

    #[test]
    fn the_defaults_are_those_that_are_documented() {
        let limits = limits(&[]).unwrap();
        assert_eq!((limits.connections, limits.in_flight, limits.streams), (256, 1024, 128));
        assert_eq!(
            (limits.request_bytes, limits.response_bytes, limits.header_bytes),
            (1 << 20, 4 << 20, 16 << 10)
        );
        assert_eq!(limits.drain_timeout, Duration::from_secs(10));
        assert_eq!(limits.handshake_timeout, Duration::from_secs(10));
        assert_eq!(limits.connection_age, Some(Duration::from_secs(3600)));
    }

    #[test]
    fn a_limit_that_is_out_of_range_is_named_with_its_range() {
        for (flag, value) in [
            ("--max-connections", "0"),
            ("--max-in-flight", "0"),
            ("--max-streams", "0"),
            ("--max-request-bytes", "0"),
            ("--max-response-bytes", "1000000000"),
            ("--max-header-bytes", "10"),
            ("--handshake-timeout", "0s"),
            ("--keepalive-interval", "0s"),
            ("--keepalive-timeout", "1us"),
            ("--max-connection-age", "1us"),
            ("--call-timeout", "0s"),
        ] {
            let error = limits(&[flag, value]).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{flag}: ")), "{error}");
        }
        assert_eq!(limits(&["--max-connection-age", "0s"]).unwrap().connection_age, None);
    }
}
