//! Headless Chromium, where it is installed.

use crate::support::say::say;
use std::path::Path;
use std::process::Command;

/// The name of the program, or a word that the test is skipped.
pub(crate) fn find() -> Option<&'static str> {
    let is_there = |name: &&str| {
        Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success())
    };
    let found = ["chromium-headless-shell", "chromium"].into_iter().find(|name| is_there(name));
    if found.is_none() {
        say("SKIPPED: a page in a browser: chromium-headless-shell is not on the PATH");
    }
    found
}

/// Opens a page, and returns its elements as HTML when its scripts have ended. Each name leads to this machine.
pub(crate) fn open(browser: &str, directory: &Path, url: &str) -> String {
    let flags = ["--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"];
    let output = Command::new(browser)
        .args(flags)
        .args(["--virtual-time-budget=5000", "--host-resolver-rules=MAP * 127.0.0.1"])
        .arg(format!("--user-data-dir={}", directory.join("profile").display()))
        .arg(url)
        .output()
        .unwrap();
    let elements = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(elements.contains("<body"), "{elements}{}", String::from_utf8_lossy(&output.stderr));
    elements
}

/// The text that a script has put into the attribute `data-seen`.
pub(crate) fn seen(elements: &str) -> Option<&str> {
    elements.split_once("data-seen=\"")?.1.split('"').next()
}
