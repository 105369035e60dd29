//! The filter on `:authority` as a stream: bytes of a client in, bytes for h2 out.
//!
//! What is encoded and decoded here is so by two implementations of HPACK that share no code with
//! specd, nor with each other.

mod bounds;
mod client;
mod malformed;
mod random;
mod read;
mod same;
