//! Working directories: which ones a container may start in.

use crate::paths::{RootPath, names};

/// Why a path cannot be a working directory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CwdError {
    /// It is not absolute, and the runtime refuses it.
    #[error("working directory {0:?} is not an absolute path")]
    Relative(String),
    /// It leads through a file descriptor of the runtime, out of the container (CVE-2024-21626).
    #[error("working directory {0:?} leads through a process's file descriptors")]
    Descriptor(String),
    /// It contains a NUL byte, which no path has.
    #[error("working directory {0:?} contains a NUL byte")]
    Nul(String),
}

/// Checks a working directory.
///
/// # Errors
///
/// A [`CwdError`] that says why a container may not start there.
pub fn check(path: &str) -> Result<(), CwdError> {
    if path.contains('\0') {
        return Err(CwdError::Nul(path.to_owned()));
    }
    if !path.starts_with('/') {
        return Err(CwdError::Relative(path.to_owned()));
    }
    let mut here = RootPath::default();
    for name in names(path.as_bytes()) {
        here.step(name);
        if leads_through_descriptors(&here) {
            return Err(CwdError::Descriptor(path.to_owned()));
        }
        if leads_to_root(&here) {
            here = RootPath::default();
        }
    }
    Ok(())
}

/// `/proc/ID/fd` and `/proc/ID/task/TID/fd`, and the links to them that a runtime makes in `/dev`.
fn leads_through_descriptors(path: &RootPath) -> bool {
    let names: Vec<_> = path.names().collect();
    matches!(
        names[..],
        [b"proc", _, b"fd", ..]
            | [b"proc", _, b"task", _, b"fd", ..]
            | [b"dev", b"fd" | b"stdin" | b"stdout" | b"stderr", ..]
    )
}

/// The links of `/proc` to a process's root, and to its working directory, which is `/` until the runtime enters
/// this one.
fn leads_to_root(path: &RootPath) -> bool {
    let names: Vec<_> = path.names().collect();
    matches!(names[..], [b"proc", _, b"root" | b"cwd"] | [b"proc", _, b"task", _, b"root" | b"cwd"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_paths_pass_as_they_are() {
        for path in [
            "/",
            "/srv",
            "//a/../b/",
            "/proc/self",
            "/proc/self/root/srv",
            "/proc/fd",
            "/fd",
            "/dev",
            "/dev/fds",
            "/srv/dev/fd/7",
        ] {
            assert_eq!(check(path), Ok(()), "{path}");
        }
    }

    #[test]
    fn relative_paths_and_nul_bytes_are_refused() {
        for path in ["", "srv", "./", "a\0b"] {
            assert!(check(path).is_err(), "{path:?}");
        }
    }

    #[test]
    fn cve_2024_21626_descriptors_are_refused() {
        for path in [
            "/proc/self/fd/7",
            "/proc/self/fd/7/../../..",
            "//proc/./1/fd",
            "/x/../proc/thread-self/fd/8/",
            "/proc/1/task/1/fd/3",
            "/proc/self/root/proc/self/fd/3",
            "/proc/self/cwd/dev/fd/3",
            "/dev/fd",
            "/dev/fd/6",
            "/dev//fd/7",
            "/x/../dev/fd/7",
            "/dev/stdin",
            "/dev/stdout/..",
            "/dev/stderr/",
        ] {
            assert!(matches!(check(path), Err(CwdError::Descriptor(_))), "{path}");
        }
    }
}
