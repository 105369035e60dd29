//! A network namespace by name, as a network plugin would make it.

use std::process::Command;

/// A namespace under `/var/run/netns`; it goes when this does.
pub(crate) struct NetworkNamespace(String);

impl NetworkNamespace {
    /// Makes one.
    pub(crate) fn make(name: &str) -> Self {
        ip(&["netns", "add", name]);
        Self(name.to_owned())
    }
}

impl Drop for NetworkNamespace {
    fn drop(&mut self) {
        ip(&["netns", "delete", &self.0]);
    }
}

fn ip(args: &[&str]) {
    let status = Command::new("ip").args(args).status().unwrap();
    assert!(status.success(), "ip {args:?}: {status}");
}
