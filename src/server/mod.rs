//! The transport: sockets, connections, health, reflection, the log line of a call, the way out.
//!
//! It carries whatever services it is given and knows nothing of specs. Everything hangs on one accept
//! loop, in [`serve`].

pub mod authority;
pub mod health;
pub mod listen;
pub mod reflection;
pub mod serve;
pub mod shutdown;
mod tasks;
pub mod trace;
mod unix_socket;
