//! Words past the runner's capture.

use std::io::Write;

/// Tells the one who runs the tests. What is skipped is also noted in the file that `SPECD_SKIPS` names, so that it can be
/// said again at the end.
pub(crate) fn say(text: &str) {
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
