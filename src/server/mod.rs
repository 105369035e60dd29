//! The transport: sockets, connections, health, reflection, the log line of a call, the way out.
//!
//! It carries whatever services it is given and knows nothing of specs.

pub mod listen;
mod unix_socket;
