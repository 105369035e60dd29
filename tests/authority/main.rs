//! The filter on `:authority` as a stream: bytes of a client in, bytes for h2 out.
//!
//! What is encoded and decoded here is so by two implementations of HPACK that share no code with
//! specd, nor with each other.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests panic; clippy's own exception ends where a function is not itself a test"
)]

mod bounds;
mod client;
mod malformed;
mod random;
mod read;
mod same;
