//! The transport: sockets, TLS, connections, other protocols than gRPC, health, reflection, the log line of a call, and
//! shutdown.
//!
//! It serves any gRPC services and knows nothing of specs. The accept loop is in [`serve`].

pub mod accepted;
pub mod activation;
mod address;
pub mod authority;
pub mod call_limits;
pub mod callee;
pub(crate) mod code;
pub mod cores;
pub mod direct;
pub mod health;
mod http_version;
pub mod lifetime;
pub mod listen;
mod log_limit;
pub mod metrics;
pub mod notify;
mod peer;
mod places;
mod receive;
pub mod reflection;
pub mod serve;
pub mod shutdown;
mod tasks;
pub mod tls;
pub mod trace;
mod transit;
mod turns;
mod unix_listener;
mod unix_socket;
pub mod web;
