//! Paths inside an image's root.
//!
//! Pure text: symbolic links are `tree`'s and `apply`'s.
//!
//! Invariant: a [`RootPath`] has no `.`, no `..`, no empty name, and never leads out of the root.

use std::borrow::Borrow;
use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The longest path and the longest target of a link, in bytes: Linux's `PATH_MAX`, with which no
/// snapshotter could unpack a longer one.
pub(in crate::image) const PATH_BYTES: usize = 4096;

/// A path inside the root, as `etc/passwd`; the root itself is empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(in crate::image) struct RootPath(Vec<u8>);

impl RootPath {
    /// Reads a path by its text alone: `..` takes the name before it away, and ends at the root.
    ///
    /// containerd: `filepath.Clean` and `filepath.Join("/", name)`.
    pub(in crate::image) fn clean(text: &[u8]) -> Self {
        Self::default().join(text)
    }

    /// What a text leads to from here, again by the text alone.
    pub(in crate::image) fn join(&self, text: &[u8]) -> Self {
        let mut path = if text.first() == Some(&b'/') { Self::default() } else { self.clone() };
        for name in names(text) {
            match name {
                b".." => path.pop(),
                name => path.push(name),
            }
        }
        path
    }

    /// Goes down to a name.
    pub(in crate::image) fn push(&mut self, name: &[u8]) {
        if !self.0.is_empty() {
            self.0.push(b'/');
        }
        self.0.extend_from_slice(name);
    }

    /// Goes up, and stays at the root.
    pub(in crate::image) fn pop(&mut self) {
        let end = self.0.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        self.0.truncate(end);
    }

    /// The directory and the name in it; nothing for the root.
    pub(in crate::image) fn split(&self) -> Option<(Self, &[u8])> {
        let mut parent = self.clone();
        parent.pop();
        self.names().last().map(|name| (parent, name))
    }

    /// The names on the way, from the root down.
    pub(in crate::image) fn names(&self) -> impl Iterator<Item = &[u8]> {
        names(&self.0)
    }

    /// Where the text of each prefix ends, the shortest first and the whole path last.
    pub(in crate::image) fn ends(&self) -> Vec<usize> {
        let slashes = self.0.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        let mut ends: Vec<usize> = slashes.map(|(at, _)| at).collect();
        if !self.0.is_empty() {
            ends.push(self.0.len());
        }
        ends
    }

    /// The least text that is behind the path itself and in front of all that is below it.
    pub(in crate::image) fn below(&self) -> Vec<u8> {
        let mut start = self.0.clone();
        if !start.is_empty() {
            start.push(b'/');
        }
        start
    }

    /// The path as the standard library has it, relative to the root.
    pub(in crate::image) fn as_path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.0))
    }

    /// The text.
    pub(in crate::image) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The names of a text, without the empty ones and `.`.
pub(in crate::image) fn names(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'/').filter(|name| !name.is_empty() && *name != b".")
}

impl Borrow<[u8]> for RootPath {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for RootPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}", String::from_utf8_lossy(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean(text: &str) -> String {
        RootPath::clean(text.as_bytes()).to_string()
    }

    #[test]
    fn names_are_cleaned_inside_the_root() {
        for (text, path) in [
            ("etc/passwd", "/etc/passwd"),
            ("./etc/passwd", "/etc/passwd"),
            ("/etc//./passwd/", "/etc/passwd"),
            ("../../etc/passwd", "/etc/passwd"),
            ("usr/../etc/x/../passwd", "/etc/passwd"),
            ("", "/"),
            ("./", "/"),
            ("..", "/"),
        ] {
            assert_eq!(clean(text), path, "{text}");
        }
    }

    #[test]
    fn paths_come_apart_and_together() {
        let path = RootPath::clean(b"a/bb/c");
        assert_eq!(path.ends(), [1, 4, 6]);
        assert!(RootPath::default().ends().is_empty());
        let (parent, name) = path.split().unwrap();
        assert_eq!((parent.to_string().as_str(), name), ("/a/bb", b"c".as_slice()));
        assert_eq!(RootPath::default().split(), None);
        assert_eq!(parent.join(b"../x").to_string(), "/a/x");
        assert_eq!(parent.join(b"/x").to_string(), "/x");
    }
}
