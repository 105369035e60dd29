//! Makes each client's `:authority` one that HTTP/2 here accepts: a filter over a unix socket's bytes.
//!
//! Many clients (those on gRPC's C core, Java, Go's `passthrough`) send the path of the socket as
//! `:authority`, and h2 refuses the call for it. The filter rewrites such a value before h2 reads it.
//! [`Mended`] is the stream; `frames` finds the header blocks in it, `hpack` the authority in a block,
//! `mend` rewrites a value, `huffman` is the code that a value may be in.
//!
//! What is not here: any other header, anything that is sent, any judgement of what is malformed. That
//! goes on to h2 as it came, and h2 refuses it as it would without the filter.
//!
//! Invariant: a value keeps its length, encoded and decoded, so the dynamic tables of both ends hold
//! entries of the same sizes and evict the same ones.

mod frames;
mod hpack;
mod huffman;
mod mend;
mod stream;

pub use stream::Mended;
