//! The transport: sockets, TLS, connections, health, reflection, the log line of a call, the way out.
//!
//! It carries whatever services it is given and knows nothing of specs. Everything hangs on one accept
//! loop, in [`serve`].

pub mod activation;
mod address;
pub mod authority;
pub mod health;
pub mod listen;
pub mod notify;
mod peer;
pub mod reflection;
pub mod serve;
pub mod shutdown;
mod tasks;
pub mod tls;
pub mod trace;
mod unix_socket;
