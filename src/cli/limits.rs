//! The flags of `serve` that bound what clients may take of it.

use clap::Args;

/// What clients may take at most.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitArgs {
    /// The most connections at a time
    #[arg(long, value_name = "COUNT", env = "SPECD_MAX_CONNECTIONS", default_value_t = 256)]
    pub max_connections: usize,
    /// The most calls at a time over all connections; one more is answered `RESOURCE_EXHAUSTED`
    #[arg(long, value_name = "COUNT", env = "SPECD_MAX_IN_FLIGHT", default_value_t = 1024)]
    pub max_in_flight: usize,
    /// The most calls at a time on one connection; the client waits with one more
    #[arg(long, value_name = "COUNT", env = "SPECD_MAX_STREAMS", default_value_t = 128)]
    pub max_streams: u32,
    /// The largest message that a client may send, in bytes
    #[arg(long, value_name = "BYTES", env = "SPECD_MAX_REQUEST_BYTES", default_value_t = 1 << 20)]
    pub max_request_bytes: usize,
    /// The largest message that is sent to a client, in bytes
    #[arg(long, value_name = "BYTES", env = "SPECD_MAX_RESPONSE_BYTES", default_value_t = 4 << 20)]
    pub max_response_bytes: usize,
    /// The most metadata of a call, in bytes
    #[arg(long, value_name = "BYTES", env = "SPECD_MAX_HEADER_BYTES", default_value_t = 16 << 10)]
    pub max_header_bytes: u32,
    /// How long a client may take to begin HTTP/2 after it has connected
    #[arg(long, value_name = "DURATION", env = "SPECD_HANDSHAKE_TIMEOUT", default_value = "10s")]
    pub handshake_timeout: humantime::Duration,
    /// How long a connection may be silent before it is asked whether it still lives
    #[arg(long, value_name = "DURATION", env = "SPECD_KEEPALIVE_INTERVAL", default_value = "60s")]
    pub keepalive_interval: humantime::Duration,
    /// How long the answer to that may take
    #[arg(long, value_name = "DURATION", env = "SPECD_KEEPALIVE_TIMEOUT", default_value = "20s")]
    pub keepalive_timeout: humantime::Duration,
    /// How old a connection may get, a tenth more or less, before its client is told to make another; 0s
    /// for any age
    #[arg(long, value_name = "DURATION", env = "SPECD_MAX_CONNECTION_AGE", default_value = "1h")]
    pub max_connection_age: humantime::Duration,
    /// The longest that a call may take; a caller's own deadline may be shorter
    #[arg(long, value_name = "DURATION", env = "SPECD_CALL_TIMEOUT", default_value = "60s")]
    pub call_timeout: humantime::Duration,
    /// How long calls in flight may go on after SIGTERM, or after a connection's age
    #[arg(long, value_name = "DURATION", env = "SPECD_DRAIN_TIMEOUT", default_value = "10s")]
    pub drain_timeout: humantime::Duration,
}
