//! Images out of OCI image layouts: names, the way down to the configuration, and what goes wrong on it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod describe;
mod oci_layout;
#[path = "../support/mod.rs"]
mod support;
