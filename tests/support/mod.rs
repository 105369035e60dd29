//! What several integration tests build on.

#![allow(dead_code, unused_imports, reason = "each test binary uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(unreachable_pub, reason = "it is a library to the test binaries")]

pub mod go_options;
pub mod golden_host;
pub mod layout;
pub mod other_user;
pub mod request_json;
pub mod service;
pub mod tasks;

/// Tells the one who runs the tests, past the runner's capture. What is skipped is also noted in the file
/// that `SPECD_SKIPS` names, so that it can be said again at the end.
pub fn say(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{text}");
    let (Some(path), Some(skip)) =
        (std::env::var_os("SPECD_SKIPS"), text.strip_prefix("SKIPPED: "))
    else {
        return;
    };
    if let Ok(mut file) = std::fs::OpenOptions::new().append(true).open(path) {
        let _ = writeln!(file, "{skip}");
    }
}
