//! The server: its transport, its operation, its flags, and what it asks of its source.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests panic; clippy's own exception ends where a function is not itself a test"
)]

mod allocations;
mod api;
mod authority;
mod collector;
mod listening;
mod logs;
mod operations;
#[path = "../support"]
mod support {
    pub(crate) mod certificates;
    pub(crate) mod fuzz;
    pub(crate) mod http2;
    pub(crate) mod layout;
    pub(crate) mod other_user;
    pub(crate) mod own_process;
    pub(crate) mod received;
    pub(crate) mod say;
    pub(crate) mod serve_config;
    pub(crate) mod tls_client;
}
mod transport;
