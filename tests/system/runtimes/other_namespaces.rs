//! Namespaces to join: those of another process.

use std::fs;
use std::process::{Child, Command, Stdio};

/// A process with namespaces of its own, which belong to the user namespace of the machine; it ends with this.
pub(crate) struct OtherNamespaces(Child);

impl OtherNamespaces {
    /// Starts the process.
    pub(crate) fn start() -> Self {
        let mut command = Command::new("unshare");
        command.args(["--net", "--ipc", "--uts", "--cgroup", "--mount", "--time", "--pid"]);
        command.args(["--fork", "--kill-child", "sleep", "86400"]);
        let child = command.stdin(Stdio::null()).spawn().unwrap();
        let other = Self(child);
        let own = fs::read_link("/proc/self/ns/ipc").unwrap();
        let namespace = other.path("ipc");
        while fs::read_link(&namespace).unwrap() == own {
            std::thread::yield_now();
        }
        other
    }

    /// The path of its namespace of a kind, by the name of the kind in the runtime spec.
    pub(crate) fn path(&self, kind: &str) -> String {
        let name = match kind {
            "network" => "net",
            "mount" => "mnt",
            "pid" => "pid_for_children",
            "time" => "time_for_children",
            other => other,
        };
        format!("/proc/{}/ns/{name}", self.0.id())
    }
}

impl Drop for OtherNamespaces {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}
