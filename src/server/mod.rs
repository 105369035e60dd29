//! The transport: sockets, connections, health, reflection, the log line of a call, the way out.
//!
//! It carries whatever services it is given and knows nothing of specs.

pub mod health;
pub mod listen;
pub mod reflection;
pub mod shutdown;
mod unix_socket;
