//! What one layer has at the watched paths.
//!
//! `apply` fills it with the entries of an archive, `snapshot::directory` with the files of an unpacked
//! layer. `walk` merges the views of all layers.
//!
//! Invariant: the memory is bounded by the watched paths, whatever the layer holds.

use crate::image::layers::tar::Content;
use crate::paths::{RootPath, prefix_below};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::image) enum Node {
    /// A directory.
    Directory,
    /// A regular file.
    File(Content),
    /// A symbolic link and its target.
    Symlink(Vec<u8>),
    /// A hard link to a path that was not watched, or that this layer does not have.
    HardLink(RootPath),
    /// Something else, in words.
    Special(&'static str),
}

/// What a layer has at the watched paths.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::image) struct LayerView {
    watched: BTreeSet<RootPath>,
    /// A directory is kept only if nothing below it is, so that deep paths stay cheap.
    nodes: BTreeMap<RootPath, Node>,
    whiteouts: BTreeSet<RootPath>,
    opaque: BTreeSet<RootPath>,
    /// Whether a directory may be opaque without a mark that can be seen.
    marks_unseen: bool,
}

/// The first of some paths that is below another.
pub(in crate::image) fn first_below<'a>(
    mut paths: impl Iterator<Item = &'a RootPath>,
    start: &[u8],
) -> Option<RootPath> {
    paths.next().filter(|next| next.bytes().starts_with(start)).cloned()
}

pub(in crate::image) fn behind(start: &[u8]) -> (Bound<&[u8]>, Bound<&[u8]>) {
    (Bound::Excluded(start), Bound::Unbounded)
}

impl LayerView {
    /// An empty layer.
    pub(in crate::image) fn new(watched: BTreeSet<RootPath>) -> Self {
        Self { watched, ..Self::default() }
    }

    /// The same layer, if the marks of opaque directories cannot be seen.
    pub(in crate::image) fn with_marks_unseen(self) -> Self {
        Self { marks_unseen: true, ..self }
    }

    /// Whether a directory may be opaque without a mark that can be seen.
    pub(in crate::image) fn marks_unseen(&self) -> bool {
        self.marks_unseen
    }

    /// The watched paths.
    pub(in crate::image) fn into_watched(self) -> BTreeSet<RootPath> {
        self.watched
    }

    /// Whether the path, or one below it, was watched while the layer was read.
    pub(in crate::image) fn watches(&self, path: &[u8]) -> bool {
        let start = prefix_below(path);
        let mut deeper = self.watched.range::<[u8], _>(behind(&start));
        self.watched.contains(path) || deeper.next().is_some_and(|p| p.bytes().starts_with(&start))
    }

    /// Whether the path itself was watched.
    pub(in crate::image) fn watches_whole(&self, path: &RootPath) -> bool {
        self.watched.contains(path)
    }

    /// What the layer has at a watched path.
    pub(in crate::image) fn node(&self, path: &[u8]) -> Option<&Node> {
        if let Some(node) = self.nodes.get(path) {
            return Some(node);
        }
        let start = prefix_below(path);
        let (next, _) = self.nodes.range::<[u8], _>(behind(&start)).next()?;
        next.bytes().starts_with(&start).then_some(&Node::Directory)
    }

    /// The first prefix of a path, counted from 1, at which lower layers are hidden.
    pub(in crate::image) fn hidden_from(&self, path: &RootPath, ends: &[usize]) -> usize {
        let depth = |above: &RootPath| {
            let end = above.bytes().len();
            let rest = path.bytes().strip_prefix(above.bytes())?;
            let whole = end == 0 || matches!(rest, [] | [b'/', ..]);
            whole.then(|| ends.partition_point(|other| *other <= end))
        };
        let at = self.whiteouts.iter().filter_map(depth);
        let below = self.opaque.iter().filter_map(depth).map(|depth| depth + 1);
        at.chain(below).min().unwrap_or(usize::MAX)
    }

    /// How many prefixes of a path the layer has.
    pub(in crate::image) fn reach(&self, path: &RootPath, ends: &[usize]) -> usize {
        ends.partition_point(|end| self.node(&path.bytes()[..*end]).is_some())
    }

    /// Puts a node at a path. It replaces what is there and below it, unless both are directories.
    pub(in crate::image) fn set(&mut self, path: &RootPath, node: Node) {
        if node == Node::Directory && self.node(path.bytes()) == Some(&Node::Directory) {
            return;
        }
        self.clear(path);
        for end in path.ends() {
            self.nodes.remove(&path.bytes()[..end]);
        }
        self.nodes.insert(path.clone(), node);
    }

    /// Removes what is at a path and below it.
    pub(in crate::image) fn clear(&mut self, path: &RootPath) {
        self.nodes.remove(path);
        let start = prefix_below(path.bytes());
        while let Some(next) =
            first_below(self.nodes.range::<[u8], _>(behind(&start)).map(|n| n.0), &start)
        {
            self.nodes.remove(&next);
        }
    }

    /// Records a whiteout, or an opaque directory, unless one above it hides the same.
    pub(in crate::image) fn hide(&mut self, path: &RootPath, only_below: bool) {
        let ends = path.ends();
        if self.hidden_from(path, &ends) <= ends.len() + usize::from(only_below) {
            return;
        }
        let start = prefix_below(path.bytes());
        for set in [&mut self.whiteouts, &mut self.opaque] {
            set.retain(|other| !other.bytes().starts_with(&start));
        }
        if only_below {
            self.opaque.insert(path.clone());
        } else {
            self.opaque.remove(path);
            self.whiteouts.insert(path.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RootPath {
        RootPath::clean(text.as_bytes())
    }

    fn watching(paths: &[&str]) -> LayerView {
        LayerView::new(paths.iter().map(|text| path(text)).collect())
    }

    #[test]
    fn a_path_is_watched_with_all_above_it_and_nothing_beside_it() {
        let view = watching(&["etc/passwd", "etc/passwd-/x"]);
        for (text, watched) in [
            ("", true),
            ("etc", true),
            ("etc/passwd", true),
            ("etc/passwd-", true),
            ("et", false),
            ("etc/pass", false),
            ("etc/passwd/x", false),
            ("etc/passwd-/", true),
            ("usr", false),
        ] {
            assert_eq!(view.watches(path(text).bytes()), watched, "{text}");
        }
        assert!(!watching(&[]).watches(b""));
    }

    #[test]
    fn what_is_below_makes_directories_of_what_is_above() {
        let mut view = watching(&["a/b/c"]);
        view.set(&path("a"), Node::Directory);
        view.set(&path("a/b/c"), Node::Special("x"));
        assert_eq!(view.nodes.len(), 1);
        assert_eq!(view.node(b"a/b"), Some(&Node::Directory));
        assert_eq!(view.node(b"a/b/c"), Some(&Node::Special("x")));
        assert_eq!(view.reach(&path("a/b/c/d"), &path("a/b/c/d").ends()), 3);
        view.set(&path("a"), Node::Directory);
        assert_eq!(view.node(b"a/b/c"), Some(&Node::Special("x")));
        view.set(&path("a"), Node::Special("y"));
        assert_eq!((view.nodes.len(), view.node(b"a/b")), (1, None));
    }

    #[test]
    fn only_the_highest_marker_is_kept() {
        let from = |view: &LayerView, text: &str| view.hidden_from(&path(text), &path(text).ends());
        let mut view = watching(&["a/b/c"]);
        assert_eq!(from(&view, "a/b/c"), usize::MAX);
        view.hide(&path("a/b/c"), false);
        assert_eq!(from(&view, "a/b/c"), 3);
        view.hide(&path("a/b"), true);
        assert_eq!((from(&view, "a/b/c"), from(&view, "a/b")), (3, 3));
        view.hide(&path("a/b"), false);
        assert_eq!((from(&view, "a/b/c"), from(&view, "a/bc")), (2, usize::MAX));
        view.hide(&path(""), true);
        view.hide(&path("a"), true);
        assert_eq!((from(&view, "a/b/c"), from(&view, "z")), (1, 1));
        assert_eq!(view.whiteouts.len() + view.opaque.len(), 1);
    }
}
