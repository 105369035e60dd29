//! The devices of this machine, or of one with its root mounted here.
//!
//! Invariant: nothing outside the root is read, wherever links lead; only directories are opened.

use crate::domain::host_device::{Found, HostNode, Look, Lookup};
use crate::domain::limits::DEVICE_ENTRIES;
use crate::host::rooted::{Kind, Root, Walk};
use crate::host::source::DeviceSource;
use crate::paths::clean;
use async_trait::async_trait;
use std::io;
use std::path::PathBuf;

/// The devices below a root.
#[derive(Debug, Clone)]
pub struct Dev {
    root: Root,
}

impl Dev {
    /// The devices of the machine with this directory as its root, for example `/`.
    #[must_use]
    pub fn below(root: PathBuf) -> Self {
        Self { root: Root::new(root) }
    }

    /// What is at one path; `left` is how many files of directories may still be read.
    pub fn look_at(&self, lookup: &Lookup, left: &mut usize) -> Found {
        self.found(lookup, left).unwrap_or_else(|error| {
            let kind = error.kind();
            if matches!(kind, io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) {
                Found::Absent
            } else if kind == io::ErrorKind::PermissionDenied {
                Found::Unreadable(kind.to_string())
            } else {
                Found::Unreadable(error.to_string())
            }
        })
    }

    fn found(&self, Lookup { path, look }: &Lookup, left: &mut usize) -> io::Result<Found> {
        let (at, asked) = match look {
            Look::Resolved => {
                let at = self.root.resolve(path)?;
                (at.clone(), at)
            }
            Look::Node | Look::Tree => (self.root.resolve_parent(path)?, path.clone()),
        };
        let directory = match (self.root.kind(&at)?, look) {
            (Kind::Device { kind, major, minor, file_mode, uid, gid }, _) => {
                let node = HostNode { path: asked, kind, major, minor, file_mode, uid, gid };
                return Ok(Found::Node(node));
            }
            (Kind::Directory, Look::Node) => return Ok(Found::Other("a directory")),
            (Kind::Directory, Look::Tree | Look::Resolved) => at,
            (Kind::Link, Look::Tree) => {
                let target = self.root.resolve(&at)?;
                match self.root.kind(&target)? {
                    Kind::Directory => target,
                    Kind::Device { .. } | Kind::Link | Kind::Other(_) => return Ok(Found::Link),
                }
            }
            (Kind::Link, Look::Node | Look::Resolved) => return Ok(Found::Link),
            (Kind::Other(what), _) => return Ok(Found::Other(what)),
        };
        let path = clean(&asked);
        let nodes = self.root.walk(&directory, &path, Walk::Counted, left)?.nodes;
        Ok(Found::Directory { path, nodes })
    }
}

#[async_trait]
impl DeviceSource for Dev {
    async fn look(&self, lookups: Vec<Lookup>) -> Vec<Found> {
        let (this, count) = (self.clone(), lookups.len());
        // A path may be on a file system that does not answer.
        let looking = move || {
            let mut left = DEVICE_ENTRIES;
            lookups.iter().map(|lookup| this.look_at(lookup, &mut left)).collect()
        };
        tokio::task::spawn_blocking(looking).await.unwrap_or_else(|error| {
            let broken = Found::Unreadable(error.to_string());
            std::iter::repeat_n(broken, count).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here() -> Dev {
        Dev::below(PathBuf::from("/"))
    }

    /// The devices of this machine: every Linux has the memory devices.
    #[test]
    fn null_is_the_kernels() {
        let Found::Node(null) = here().look_at(&Lookup::new("/dev/null", Look::Tree), &mut 10_000)
        else {
            panic!("no /dev/null")
        };
        assert_eq!((null.kind, null.major, null.minor, null.file_mode), ('c', 1, 3, 0o666));
        let all = here().look_at(&Lookup::new("/dev/", Look::Tree), &mut 10_000);
        let Found::Directory { path, nodes } = all else { panic!("no /dev") };
        assert_eq!(path, "/dev");
        assert!(nodes.contains(&null));
        assert!(nodes.iter().all(|node| !node.path.starts_with("/dev/pts/")));
        assert!(nodes.iter().all(|node| !node.path.ends_with("/console")));
        let names: Vec<_> = nodes.iter().map(|node| node.path.split('/')).collect();
        assert!(names.is_sorted_by(|one, other| one.clone().lt(other.clone())));
    }

    #[test]
    fn what_is_not_a_device_is_distinguished() {
        let root = tempfile::tempdir().unwrap();
        let dev = root.path().join("dev");
        std::fs::create_dir_all(dev.join("sub")).unwrap();
        for file in ["file", "sub/secret", "sub/other"] {
            std::fs::write(dev.join(file), "").unwrap();
        }
        for (link, target) in
            [("link", "file"), ("out", "/dev/sub"), ("up", "../../../../etc"), ("loop", "loop")]
        {
            std::os::unix::fs::symlink(target, dev.join(link)).unwrap();
        }
        let here = Dev::below(root.path().to_owned());
        let empty = |path: &str| Found::Directory { path: path.to_owned(), nodes: vec![] };
        for (path, look, want) in [
            ("/dev/file", Look::Tree, Found::Other("a regular file")),
            ("/dev/none", Look::Tree, Found::Absent),
            ("/dev/file/x", Look::Tree, Found::Absent),
            ("/dev/link", Look::Tree, Found::Link),
            ("/dev/link", Look::Node, Found::Link),
            ("/dev/link", Look::Resolved, Found::Other("a regular file")),
            ("/dev/sub", Look::Node, Found::Other("a directory")),
            ("/dev/out", Look::Tree, empty("/dev/out")),
            ("/dev/out", Look::Resolved, empty("/dev/sub")),
            // The root's own etc, which it has not.
            ("/dev/up", Look::Resolved, Found::Absent),
            ("/dev", Look::Tree, empty("/dev")),
        ] {
            assert_eq!(
                here.look_at(&Lookup::new(path, look), &mut 10_000),
                want,
                "{path} {look:?}"
            );
        }
        // Six files in /dev, and two below: the error names none of them.
        for mut left in [3, 7] {
            let found = here.look_at(&Lookup::new("/dev", Look::Tree), &mut left);
            let Found::Unreadable(text) = found else { panic!("{found:?}") };
            let limit = "what is to be read is larger than 65536 files or 16 directories deep";
            assert_eq!(text, limit);
        }
        let found = here.look_at(&Lookup::new("/dev/loop", Look::Resolved), &mut 10_000);
        assert!(matches!(found, Found::Unreadable(_)), "{found:?}");
    }
}
