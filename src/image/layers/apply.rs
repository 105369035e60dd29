//! Applies the entries of one layer to its view.
//!
//! A layer is applied as containerd does it: to an upper directory of its own, in which the lower layers
//! are not visible. `scan` reads the entries.
//!
//! Invariant: beside the view, the memory is bounded by [`limits::LAYER_LINK_BYTES`].

use crate::domain::limits;
use crate::image::layers::links::Links;
use crate::image::layers::view::{LayerView, Node, first_below};
use crate::image::layers::work::{Overrun, Work};
use crate::paths::{PATH_BYTES, RootPath, prefix_below};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Why a layer is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// The layer cannot be unpacked, by containerd neither.
    #[error("{0}")]
    Malformed(String),
    /// The layer has too many links to keep.
    #[error("too many links")]
    Links,
    /// The image takes too much work, or nobody waits for it.
    #[error("{0:?}")]
    Work(Overrun),
}

impl From<Overrun> for Refusal {
    fn from(overrun: Overrun) -> Self {
        Self::Work(overrun)
    }
}

fn malformed(path: &RootPath, reason: &str) -> Refusal {
    Refusal::Malformed(format!("{path} {reason}"))
}

/// Where an entry is put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// At a path.
    At(RootPath),
    /// Nowhere: it is a whiteout, or the root itself.
    Nowhere,
}

/// The most links that are followed to the directory of one entry. containerd: `fs.RootPath`.
const PARENT_LINKS: usize = 255;

/// Builds the view of a layer.
pub(super) struct Builder {
    view: LayerView,
    /// The symbolic links of the layer so far: entries below them are put where they lead.
    links: Links,
    link_bytes: usize,
    link_limit: usize,
    work: Arc<Work>,
}

impl Builder {
    /// An empty layer.
    #[cfg(test)]
    pub(super) fn new(watched: BTreeSet<RootPath>) -> Self {
        Self::counted(watched, Arc::default())
    }

    /// An empty layer of an image that has taken so much work before.
    pub(super) fn counted(watched: BTreeSet<RootPath>, work: Arc<Work>) -> Self {
        let (view, links) = (LayerView::new(watched), Links::default());
        Self { view, links, link_bytes: 0, link_limit: limits::LAYER_LINK_BYTES, work }
    }

    /// The view, once all entries are in.
    pub(super) fn finish(self) -> LayerView {
        self.view
    }

    /// Whether the path, or one below it, is watched.
    pub(super) fn watches(&self, path: &RootPath) -> bool {
        self.view.watches(path.bytes())
    }

    /// Whether the path itself is watched.
    pub(super) fn is_watched(&self, path: &RootPath) -> bool {
        self.view.watches_whole(path)
    }

    /// Finds where an entry of this name is put, creates the directories above it, and records what it hides.
    ///
    /// A whiteout hides what lower layers have, wherever in the layer it is.
    ///
    /// # Errors
    ///
    /// [`Refusal::Malformed`] if the entry cannot be unpacked.
    pub(super) fn place(&mut self, name: &[u8]) -> Result<Place, Refusal> {
        let Some((parent, base)) = self.parent_of(name)? else { return Ok(Place::Nowhere) };
        let path = parent.join(&base);
        self.create_directory(&parent)?;
        let Some(hidden) = base.strip_prefix(b".wh.") else { return Ok(Place::At(path)) };
        match hidden {
            b"" | b"." | b".." => return Err(malformed(&path, "is not a valid whiteout")),
            // overlayfs ignores the mark of a layer's root.
            b".wh..opq" if parent == RootPath::default() => {}
            b".wh..opq" if self.watches(&parent) => self.view.hide(&parent, true),
            // Metadata of aufs.
            _ if hidden.starts_with(b".wh.") => {}
            name => {
                let path = parent.join(name);
                if self.watches(&path) {
                    self.view.hide(&path, false);
                }
            }
        }
        Ok(Place::Nowhere)
    }

    /// Puts an entry at its place. It replaces what is there, with all below it, unless both are
    /// directories.
    ///
    /// # Errors
    ///
    /// A [`Refusal`], if it cannot be unpacked or is one link too many.
    pub(super) fn put(&mut self, path: &RootPath, node: Node) -> Result<(), Refusal> {
        self.forget_links(path, node != Node::Directory);
        if let Node::Symlink(target) = &node {
            if target.is_empty() || target.len() >= PATH_BYTES {
                return Err(malformed(path, "is a link with an empty or too long target"));
            }
            self.link_bytes += link_cost(path, target);
            if self.link_bytes > self.link_limit {
                return Err(Refusal::Links);
            }
            self.links.insert(path.clone(), target.clone());
        }
        if self.watches(path) {
            self.view.set(path, node);
        }
        Ok(())
    }

    /// Puts a hard link at its place: it is what its target is at this moment.
    ///
    /// # Errors
    ///
    /// Those of [`Builder::put`], and [`Refusal::Malformed`] if the target is a directory.
    pub(super) fn put_link(&mut self, path: &RootPath, name: &[u8]) -> Result<(), Refusal> {
        let Some((parent, base)) = self.parent_of(name)? else {
            return Err(malformed(path, "is a hard link to the root"));
        };
        let target = parent.join(&base);
        // The old file is removed first, and may be the target.
        self.forget_links(path, true);
        if self.watches(path) {
            self.view.clear(path);
        }
        let node = match (self.view.node(target.bytes()), self.links.get(&target)) {
            (Some(Node::Directory), _) => {
                return Err(malformed(path, "is a hard link to a directory"));
            }
            (Some(node), _) => node.clone(),
            (None, Some(link)) => Node::Symlink(link.clone()),
            (None, None) => Node::HardLink(target),
        };
        self.put(path, node)
    }

    /// The directory that an entry's name leads to, and the last part of the name, which is not followed.
    ///
    /// containerd: `archive.applyNaive`, `hardlinkRootPath`.
    fn parent_of(&self, name: &[u8]) -> Result<Option<(RootPath, Vec<u8>)>, Refusal> {
        let clean = RootPath::clean(name);
        let Some((parent, base)) = clean.split() else { return Ok(None) };
        self.work.walk(clean.names().count())?;
        let parent = self.follow(parent)?;
        if parent.bytes().len() + 1 + base.len() > PATH_BYTES {
            return Err(Refusal::Malformed("path of an entry is too long".to_owned()));
        }
        Ok(Some((parent, base.to_vec())))
    }

    /// Follows the links of this layer, by the text of the path.
    fn follow(&self, mut path: RootPath) -> Result<RootPath, Refusal> {
        let mut followed = 0;
        while let Some((end, target)) = self.first_link(&path) {
            followed += 1;
            if followed > PARENT_LINKS || path.bytes().len() > PATH_BYTES {
                return Err(malformed(&path, "is reached through too many links"));
            }
            let (link, rest) = path.bytes().split_at(end);
            let mut leads_to = RootPath::clean(link);
            leads_to.pop();
            path = leads_to.join(target).join(rest.strip_prefix(b"/").unwrap_or_default());
            self.work.follow(path.names().count())?;
        }
        Ok(path)
    }

    /// The first link on the path: where its text ends, and its target.
    fn first_link(&self, path: &RootPath) -> Option<(usize, &[u8])> {
        self.links.first_on(path)
    }

    /// Creates a directory and those above it.
    ///
    /// They belong to this layer, so they hide a link of the same name in a lower layer: containerd
    /// unpacks into the upper directory of an overlay, in which the lower layers are not visible.
    fn create_directory(&mut self, directory: &RootPath) -> Result<(), Refusal> {
        let (view, ends) = (&mut self.view, directory.ends());
        let watched = ends.partition_point(|end| view.watches(&directory.bytes()[..*end]));
        let Some(deepest) = ends[..watched].last().map(|end| &directory.bytes()[..*end]) else {
            return Ok(());
        };
        let reach = view.reach(directory, &ends[..watched]);
        let last = ends[..reach].last().and_then(|end| view.node(&directory.bytes()[..*end]));
        match last {
            Some(node) if *node != Node::Directory => {
                Err(malformed(directory, "has an entry below it and is not a directory"))
            }
            _ => {
                view.set(&RootPath::clean(deepest), Node::Directory);
                Ok(())
            }
        }
    }

    /// Removes the link at a path, and with `with_below` those below it.
    fn forget_links(&mut self, path: &RootPath, with_below: bool) {
        if self.links.is_empty() {
            return;
        }
        let start = prefix_below(path.bytes());
        let mut next = Some(path.clone());
        while let Some(link) = next {
            if let Some(target) = self.links.remove(&link) {
                self.link_bytes -= link_cost(&link, &target);
            }
            let rest = self.links.after(&start);
            next = first_below(rest, &start).filter(|_| with_below);
        }
    }
}

/// The memory of a link while the layer is read: its two texts, and their places in the map.
fn link_cost(path: &RootPath, target: &[u8]) -> usize {
    path.bytes().len() + target.len() + 128
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RootPath {
        RootPath::clean(text.as_bytes())
    }

    fn link(builder: &mut Builder, at: usize) -> Result<(), Refusal> {
        builder.put(&path(&format!("dir/{at}")), Node::Symlink(b"somewhere".to_vec()))
    }

    #[test]
    fn links_beyond_the_limit_are_refused_and_those_that_went_do_not_count() {
        let mut builder = Builder { link_limit: 1600, ..Builder::new(BTreeSet::new()) };
        for _ in 0..3 {
            for at in 0..10 {
                assert_eq!(link(&mut builder, at), Ok(()));
            }
            builder.put(&path("dir"), Node::Special("a file")).unwrap();
            assert_eq!((builder.links.is_empty(), builder.link_bytes), (true, 0));
        }
        let refused = (0..20).find_map(|at| link(&mut builder, at).err());
        assert_eq!(refused, Some(Refusal::Links));
    }

    #[test]
    fn a_hard_link_takes_the_state_of_a_watched_target_and_names_another() {
        let watched = BTreeSet::from([path("a"), path("b")]);
        let mut builder = Builder::new(watched);
        builder.put(&path("a"), Node::Special("x")).unwrap();
        builder.put_link(&path("b"), b"./a").unwrap();
        assert_eq!(builder.view.node(b"b"), Some(&Node::Special("x")));
        builder.put_link(&path("b"), b"/x/../c").unwrap();
        assert_eq!(builder.view.node(b"b"), Some(&Node::HardLink(path("c"))));
        assert!(matches!(builder.put_link(&path("b"), b".."), Err(Refusal::Malformed(_))));
    }

    #[test]
    fn markers_hide_and_are_no_entries() {
        let mut builder = Builder::new(BTreeSet::from([path("etc/passwd")]));
        assert_eq!(builder.place(b"etc/.wh.passwd"), Ok(Place::Nowhere));
        assert_eq!(builder.place(b"./"), Ok(Place::Nowhere));
        assert_eq!(builder.place(b"./etc/passwd"), Ok(Place::At(path("etc/passwd"))));
        assert_eq!(builder.view.node(b"etc"), Some(&Node::Directory));
        let ends = path("etc/passwd").ends();
        assert_eq!(builder.finish().hidden_from(&path("etc/passwd"), &ends), 2);
    }
}
