//! From the limits of the configuration to those of the transport.

use crate::api::status;
use crate::config::limits::Limits;
use crate::server::call_limits::CallLimits;
use crate::server::lifetime::Lifetime;
use crate::server::serve::ServeConfig;
use std::sync::Arc;

/// The limits of the transport, and what those are told who meet them.
pub(super) fn config(limits: &Limits) -> ServeConfig {
    ServeConfig {
        connections: limits.connections,
        streams: limits.streams,
        header_list_bytes: limits.header_bytes,
        keepalive_every: limits.keepalive_interval,
        keepalive_timeout: limits.keepalive_timeout,
        calls: CallLimits {
            in_flight: limits.in_flight,
            overloaded: status::overloaded(),
            too_large: status::message_too_large("request", limits.request_bytes),
        },
        lifetime: Lifetime {
            handshake_timeout: limits.handshake_timeout,
            age: limits.connection_age,
            drain_timeout: limits.drain_timeout,
        },
        tls_within: limits.handshake_timeout,
        drain_timeout: limits.drain_timeout,
        metrics: Arc::default(),
        adopt: None,
        mend_authority: true,
    }
}
