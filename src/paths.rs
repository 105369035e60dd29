//! Paths as text: cleaned, joined, taken apart, and walked name by name.
//!
//! Pure: what lies at a path, and where its links lead, is the caller's to find out. Paths are bytes, since
//! a file's name need not be UTF-8.
//!
//! Invariant: a [`RootPath`] has no `.`, no `..`, no empty name, and never leads out of its root.

use std::borrow::Borrow;
use std::collections::VecDeque;
use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The longest path and the longest target of a link, in bytes: Linux's `PATH_MAX`.
pub const PATH_BYTES: usize = 4096;

/// The names of a path, without the empty ones and `.`.
pub fn names(text: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    text.split(|byte| *byte == b'/').filter(|name| !name.is_empty() && *name != b".")
}

/// An absolute path without doubled and trailing slashes, `.` and `..`.
///
/// containerd: `filepath.Clean` and `filepath.Join("/", path)`.
#[must_use]
pub fn clean(path: &str) -> String {
    RootPath::clean(path.as_bytes()).to_string()
}

/// The path of a name in a directory.
#[must_use]
pub fn join(directory: &str, name: &str) -> String {
    format!("{}/{name}", directory.trim_end_matches('/'))
}

/// What the text of every path below this one begins with.
#[must_use]
pub fn prefix_below(path: &[u8]) -> Vec<u8> {
    if path.is_empty() { Vec::new() } else { [path, b"/"].concat() }
}

/// A path inside a root, for example `etc/passwd`; the root itself is empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct RootPath(Vec<u8>);

impl RootPath {
    /// Reads a path by its text alone: `..` removes the name before it, and ends at the root.
    #[must_use]
    pub fn clean(text: &[u8]) -> Self {
        Self::default().join(text)
    }

    /// What a text leads to from here, again by the text alone.
    #[must_use]
    pub fn join(&self, text: &[u8]) -> Self {
        let mut path = if text.first() == Some(&b'/') { Self::default() } else { self.clone() };
        names(text).for_each(|name| path.step(name));
        path
    }

    /// Goes one name on: up for `..`, else down.
    pub fn step(&mut self, name: &[u8]) {
        if name == b".." { self.pop() } else { self.push(name) }
    }

    /// Goes down to a name.
    pub fn push(&mut self, name: &[u8]) {
        if !self.0.is_empty() {
            self.0.push(b'/');
        }
        self.0.extend_from_slice(name);
    }

    /// Goes up, and stays at the root.
    pub fn pop(&mut self) {
        let end = self.0.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        self.0.truncate(end);
    }

    /// The directory and the name in it; nothing for the root.
    #[must_use]
    pub fn split(&self) -> Option<(Self, &[u8])> {
        let mut parent = self.clone();
        parent.pop();
        self.names().next_back().map(|name| (parent, name))
    }

    /// The names on the way, from the root down.
    pub fn names(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        names(&self.0)
    }

    /// Where the text of each prefix ends, the shortest first and the whole path last.
    #[must_use]
    pub fn ends(&self) -> Vec<usize> {
        let slashes = self.0.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        let mut ends: Vec<usize> = slashes.map(|(at, _)| at).collect();
        if !self.0.is_empty() {
            ends.push(self.0.len());
        }
        ends
    }

    /// The path as the standard library has it, relative to the root.
    #[must_use]
    pub fn as_path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.0))
    }

    /// The text.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
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

/// A path on its way through symbolic links.
///
/// Unlike cleaning, `..` goes up from where the links before it led, as it does in the kernel.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PathWalk {
    /// The directory that has been reached, without links.
    here: RootPath,
    /// What is still to walk, `..` included.
    rest: VecDeque<Vec<u8>>,
}

impl PathWalk {
    /// Begins at the root.
    #[must_use]
    pub fn new(path: &[u8]) -> Self {
        let mut walk = Self::default();
        walk.put_back(path);
        walk
    }

    /// The directory that has been reached.
    #[must_use]
    pub fn here(&self) -> &RootPath {
        &self.here
    }

    /// Whether nothing is left to walk.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// The path of the next name; nothing at the end.
    pub fn next_path(&mut self) -> Option<RootPath> {
        self.go_up();
        let name = self.rest.pop_front()?;
        let mut path = self.here.clone();
        path.push(&name);
        Some(path)
    }

    /// The path of all names up to a `..`, as many as a path can hold; nothing at the end.
    pub fn next_long_path(&mut self) -> Option<RootPath> {
        let mut path = self.next_path()?;
        while let Some(name) = self.rest.front().filter(|name| *name != b"..") {
            if path.bytes().len() + 1 + name.len() > PATH_BYTES {
                break;
            }
            path.push(name);
            self.rest.pop_front();
        }
        Some(path)
    }

    fn go_up(&mut self) {
        while self.rest.front().is_some_and(|name| name == b"..") {
            self.here.pop();
            self.rest.pop_front();
        }
    }

    /// Puts names in front of those that are still to walk.
    pub fn put_back(&mut self, text: &[u8]) {
        for name in names(text).rev() {
            self.rest.push_front(name.to_vec());
        }
    }

    /// Goes on below a directory.
    pub fn enter(&mut self, directory: RootPath) {
        self.here = directory;
    }

    /// Goes on at the target of the link at a path.
    pub fn follow_link(&mut self, mut link: RootPath, target: &[u8]) {
        link.pop();
        self.here = if target.first() == Some(&b'/') { RootPath::default() } else { link };
        self.put_back(target);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cleaned_inside_the_root() {
        for (text, path) in [
            ("etc/passwd", "/etc/passwd"),
            ("./etc/passwd", "/etc/passwd"),
            ("/etc//./passwd/", "/etc/passwd"),
            ("../../etc/passwd", "/etc/passwd"),
            ("usr/../etc/x/../passwd", "/etc/passwd"),
            ("/run/", "/run"),
            ("//a/./b", "/a/b"),
            ("/a/../..", "/"),
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
        assert_eq!(join("/dev/", "null"), "/dev/null");
        assert_eq!(join("/", "null"), "/null");
        assert_eq!(prefix_below(b"etc"), b"etc/");
        assert_eq!(prefix_below(b""), b"");
    }

    /// Walks to the end, with `b` in the root and in `a` as links.
    fn walked(path: &str, target: &str) -> String {
        let mut walk = PathWalk::new(path.as_bytes());
        while let Some(path) = walk.next_path() {
            match path.bytes() {
                b"b" | b"a/b" => walk.follow_link(path, target.as_bytes()),
                _ => walk.enter(path),
            }
        }
        assert!(walk.is_at_end());
        walk.here().to_string()
    }

    #[test]
    fn a_walk_goes_up_from_where_a_link_led() {
        for (path, target, end) in [
            ("/x/./y/", "", "/x/y"),
            ("b/../y", "x/z", "/x/y"),
            ("a/b/../y", "x/z", "/a/x/y"),
            ("a/b/../y", "/x/z", "/x/y"),
            ("a/b", "../../..", "/"),
            ("..", "", "/"),
        ] {
            assert_eq!(walked(path, target), end, "{path} with {target}");
        }
    }

    #[test]
    fn a_long_path_ends_before_what_goes_up_and_at_what_a_path_can_hold() {
        let mut walk = PathWalk::new(b"a/b/../c");
        assert_eq!(walk.next_long_path(), Some(RootPath::clean(b"a/b")));
        walk.enter(RootPath::clean(b"a/b"));
        assert_eq!(walk.next_long_path(), Some(RootPath::clean(b"a/c")));
        assert_eq!(walk.next_long_path(), None);

        let names = vec!["x".repeat(250); 20];
        let mut walk = PathWalk::new(names.join("/").as_bytes());
        let first = walk.next_long_path().unwrap();
        assert_eq!(first, RootPath::clean(names[..16].join("/").as_bytes()));
        walk.enter(first);
        let whole = walk.next_long_path().unwrap();
        assert_eq!(whole.names().count(), 17);
    }
}
