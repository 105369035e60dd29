//! Network namespaces by name, as a network plugin would make them.

use rustix::mount::{UnmountFlags, unmount};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// Where they are. `ip` mounts on it with the first.
const DIRECTORY: &str = "/run/netns";

/// How many there are of this process, and what it found.
static MADE: Mutex<Made> = Mutex::new(Made { count: 0, directory: false, mounted: false });

struct Made {
    count: usize,
    directory: bool,
    mounted: bool,
}

/// A namespace; it goes when this does. With the last one goes the mount, and the directory, which were not there before.
pub(crate) struct NetworkNamespace(String);

impl NetworkNamespace {
    /// Makes one.
    pub(crate) fn make(name: &str) -> Self {
        let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
        if made.count == 0 {
            (made.directory, made.mounted) = (Path::new(DIRECTORY).exists(), is_mounted());
        }
        let status = Command::new("ip").args(["netns", "add", name]).status().unwrap();
        assert!(
            status.success(),
            "ip netns add {name}: {status}; if a test that was killed has left it, run: ip netns delete {name}"
        );
        made.count += 1;
        Self(name.to_owned())
    }
}

impl Drop for NetworkNamespace {
    fn drop(&mut self) {
        let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = Command::new("ip").args(["netns", "delete", &self.0]).status();
        made.count -= 1;
        let empty = fs::read_dir(DIRECTORY).is_ok_and(|mut entries| entries.next().is_none());
        if made.count == 0 && empty {
            // The kernel refuses while others have namespaces there.
            if !made.mounted {
                let _ = unmount(DIRECTORY, UnmountFlags::empty());
            }
            if !made.directory {
                let _ = fs::remove_dir(DIRECTORY);
            }
        }
    }
}

fn is_mounted() -> bool {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    mounts.lines().any(|line| line.split(' ').nth(4) == Some(DIRECTORY))
}
