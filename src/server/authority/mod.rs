//! Rewrites an invalid `:authority` on unix sockets, which h2 refuses: <https://github.com/hyperium/h2/pull/487>.
//!
//! Many clients (those on gRPC's C core, Java, Go's `passthrough`) send the path of the socket as `:authority`.
//! This module is a filter on the bytes of a connection, before h2 reads them, and can be removed when h2 accepts
//! such a value. [`Mended`] is the stream; `frames` finds the header blocks in it, `hpack` finds the authority in
//! a block, `mend` rewrites a value, and `huffman` is the code that a value may be in.
//!
//! All other headers, and everything that is malformed, are passed on unchanged: h2 refuses what it would refuse
//! without the filter.
//!
//! Invariant: a value keeps its length, encoded and decoded, so that the dynamic tables of both ends hold entries
//! of the same sizes and evict the same ones.

mod frames;
mod hpack;
mod huffman;
mod mend;
mod stream;

pub use stream::Mended;
