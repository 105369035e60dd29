//! The flags that limit what clients may use, and the limits of the transport that they set.

use crate::api::status;
use crate::commands::flag_values::{duration, timeout, whole};
use crate::server::call_limits::CallLimits;
use crate::server::cores::Cores;
use crate::server::lifetime::Lifetime;
use crate::server::serve::ServeConfig;
use crate::server::trace::CallLog;
use crate::workers::Workers;
use clap::Args;
use std::sync::Arc;
use std::time::Duration;

/// The largest size that may be allowed for a message.
const MESSAGE_BYTES: usize = 64 << 20;

/// How many calls are worked on at a time for each CPU. Fewer would leave CPUs idle while calls wait for containerd's
/// answers; more only wait for each other.
const AT_WORK: usize = 32;

/// How many calls are worked on at a time by default.
fn at_work() -> usize {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    cpus * AT_WORK
}

/// How many of the largest messages may be on their way at a time.
const IN_TRANSIT: usize = 16;

/// The limits for clients.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitArgs {
    /// The largest number of connections of each address; one process or IP address may have a quarter of them, but at least 16
    #[arg(long, value_name = "COUNT", env = "SPECD_MAX_CONNECTIONS", default_value_t = 256, value_parser = whole::<usize>(1..=1 << 20))]
    max_connections: usize,
    /// The largest number of calls in flight over all connections; further calls are answered `RESOURCE_EXHAUSTED`
    #[arg(long, value_name = "COUNT", env = "SPECD_MAX_IN_FLIGHT", default_value_t = 1024, value_parser = whole::<usize>(1..=1 << 20))]
    pub max_in_flight: usize,
    /// The largest number of calls that are worked on at a time, without those that wait for containerd; further calls wait a moment, then they are answered `RESOURCE_EXHAUSTED` [default: 32 for each CPU]
    #[arg(long, value_name = "COUNT", env = "SPECD_MAX_AT_WORK", value_parser = whole::<usize>(1..=1 << 20))]
    max_at_work: Option<usize>,
    /// The largest number of calls in flight on one connection; the client delays further calls
    #[arg(long, value_name = "COUNT", env = "SPECD_MAX_STREAMS", default_value_t = 128, value_parser = whole::<u32>(1..=1 << 16))]
    max_streams: u32,
    /// The largest message that a client may send, in bytes
    #[arg(long, value_name = "BYTES", env = "SPECD_MAX_REQUEST_BYTES", default_value_t = 1 << 20, value_parser = whole::<usize>(1..=MESSAGE_BYTES))]
    pub(super) max_request_bytes: usize,
    /// The largest message that is sent to a client, in bytes
    #[arg(long, value_name = "BYTES", env = "SPECD_MAX_RESPONSE_BYTES", default_value_t = 4 << 20, value_parser = whole::<usize>(1..=MESSAGE_BYTES))]
    pub(super) max_response_bytes: usize,
    /// The largest metadata of a call, in bytes
    #[arg(long, value_name = "BYTES", env = "SPECD_MAX_HEADER_BYTES", default_value_t = 16 << 10, value_parser = whole::<u32>(1 << 10..=1 << 20))]
    max_header_bytes: u32,
    /// How long a client may take to start HTTP/2 after it has connected
    #[arg(long, value_name = "DURATION", env = "SPECD_HANDSHAKE_TIMEOUT", default_value = "10s", value_parser = timeout)]
    handshake_timeout: Duration,
    /// How long a connection may be idle before a keepalive ping is sent
    #[arg(long, value_name = "DURATION", env = "SPECD_KEEPALIVE_INTERVAL", default_value = "60s", value_parser = timeout)]
    keepalive_interval: Duration,
    /// How long the answer to a keepalive ping may take
    #[arg(long, value_name = "DURATION", env = "SPECD_KEEPALIVE_TIMEOUT", default_value = "20s", value_parser = timeout)]
    keepalive_timeout: Duration,
    /// The age, give or take a tenth, at which a connection's client must open another one; 0s for no limit
    #[arg(long, value_name = "DURATION", env = "SPECD_MAX_CONNECTION_AGE", default_value = "1h", value_parser = age)]
    max_connection_age: Duration,
    /// How long a connection may have no call before its client must open another one; 0s for no limit
    #[arg(long, value_name = "DURATION", env = "SPECD_MAX_CONNECTION_IDLE", default_value = "10m", value_parser = age)]
    max_connection_idle: Duration,
    /// The longest time that a call may take; the caller's own deadline may be shorter
    #[arg(long, value_name = "DURATION", env = "SPECD_CALL_TIMEOUT", default_value = "60s", value_parser = timeout)]
    pub(super) call_timeout: Duration,
    /// How long a client may take to send a request, or to take an answer; after that the call, or the connection, is ended
    #[arg(long, value_name = "DURATION", env = "SPECD_TRANSFER_TIMEOUT", default_value = "10s", value_parser = timeout)]
    transfer_timeout: Duration,
    /// How long calls in flight may take to end after SIGTERM, or at a connection's age limit
    #[arg(long, value_name = "DURATION", env = "SPECD_DRAIN_TIMEOUT", default_value = "10s", value_parser = duration)]
    drain_timeout: Duration,
}

/// Parses an age, or 0 for no limit.
fn age(text: &str) -> Result<Duration, &'static str> {
    let age = duration(text)?;
    if age.is_zero() { Ok(age) } else { timeout(text) }
}

impl LimitArgs {
    /// The limits of the transport, without metrics and traces.
    #[must_use]
    pub fn serve_config(&self) -> ServeConfig {
        let &Self {
            max_connections: connections,
            max_in_flight: in_flight,
            max_at_work,
            max_streams: streams,
            max_request_bytes: request_bytes,
            max_response_bytes,
            max_header_bytes: header_list_bytes,
            handshake_timeout,
            keepalive_interval,
            keepalive_timeout,
            max_connection_age: age,
            max_connection_idle: idle,
            call_timeout: _, // The service limits its calls.
            transfer_timeout,
            drain_timeout,
        } = self;
        ServeConfig {
            connections,
            peer_connections: (connections / 4).max(16),
            replace_connections: false,
            streams,
            header_list_bytes,
            keepalive_interval,
            keepalive_timeout,
            calls: CallLimits {
                in_flight,
                at_work: max_at_work.unwrap_or_else(at_work),
                request_bytes,
                transfer_timeout,
                transit_bytes: request_bytes.max(max_response_bytes).saturating_mul(IN_TRANSIT),
                workers: Workers::default(),
                overloaded: status::overloaded(),
                too_large: status::message_too_large("request", request_bytes),
                late: status::deadline_exceeded,
            },
            lifetime: Lifetime {
                handshake_timeout,
                age: (!age.is_zero()).then_some(age),
                idle: (!idle.is_zero()).then_some(idle),
                drain_timeout,
            },
            tls_timeout: handshake_timeout,
            drain_timeout,
            metrics: Arc::default(),
            tracing: None,
            log_calls: CallLog::default(),
            mend_authority: true,
            web: None,
            cores: Cores::default(),
        }
    }
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

    fn config(flags: &[&str]) -> Result<ServeConfig, String> {
        let flags = Flags::try_parse_from(["serve"].iter().chain(flags));
        flags.map(|flags| flags.limits.serve_config()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_defaults_are_the_documented_ones() {
        let config = config(&[]).unwrap();
        assert_eq!((config.connections, config.calls.in_flight, config.streams), (256, 1024, 128));
        assert_eq!(config.header_list_bytes, 16 << 10);
        assert!(config.calls.at_work >= 32 && config.calls.at_work.is_multiple_of(32));
        assert_eq!(config.calls.transfer_timeout, Duration::from_secs(10));
        assert_eq!(config.calls.transit_bytes, 64 << 20);
        assert_eq!(config.drain_timeout, Duration::from_secs(10));
        assert_eq!(config.tls_timeout, Duration::from_secs(10));
        assert_eq!(config.lifetime.handshake_timeout, Duration::from_secs(10));
        assert_eq!(config.lifetime.age, Some(Duration::from_secs(3600)));
        let LimitArgs { max_request_bytes, max_response_bytes, call_timeout, .. } =
            Flags::parse_from(["serve"]).limits;
        assert_eq!((max_request_bytes, max_response_bytes), (1 << 20, 4 << 20));
        assert_eq!(call_timeout, Duration::from_secs(60));
    }

    #[test]
    fn a_limit_that_is_out_of_range_is_named() {
        for (flag, value) in [
            ("--max-connections", "0"),
            ("--max-in-flight", "0"),
            ("--max-at-work", "0"),
            ("--max-streams", "0"),
            ("--max-request-bytes", "0"),
            ("--max-response-bytes", "1000000000"),
            ("--max-header-bytes", "10"),
            ("--handshake-timeout", "0s"),
            ("--keepalive-interval", "0s"),
            ("--keepalive-timeout", "1us"),
            ("--max-connection-age", "1us"),
            ("--max-connection-idle", "1us"),
            ("--call-timeout", "0s"),
            ("--transfer-timeout", "0s"),
        ] {
            let error = config(&[flag, value]).unwrap_err();
            assert!(error.starts_with(&format!("error: invalid value '{value}' for '{flag} <")));
            assert!(error.contains(": expected ") || error.contains(": must be "), "{error}");
        }
        assert_eq!(config(&["--max-connection-age", "0s"]).unwrap().lifetime.age, None);
    }
}
