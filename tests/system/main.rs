//! With what a machine has: containerd, runtimes, clients in other languages, file systems.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests panic; clippy's own exception ends where a function is not itself a test"
)]

mod clients;
mod containerd;
mod image;
mod layers;
mod network_namespace;
mod runtimes;
#[path = "../support"]
mod support {
    pub(crate) mod archive;
    pub(crate) mod control_group;
    pub(crate) mod cookbook;
    pub(crate) mod daemon;
    pub(crate) mod fuzz;
    pub(crate) mod golden;
    pub(crate) mod hostile_layers;
    pub(crate) mod layout;
    pub(crate) mod other_user;
    pub(crate) mod own_process;
    pub(crate) mod say;
    pub(crate) mod serve_config;
}
