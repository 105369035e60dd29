//! What one layer says of the paths that are watched.
//!
//! Built entry by entry, as containerd applies a layer: into an upper directory of its own, without
//! sight of the layers below. What all layers say together is `tree`'s; reading the entries is
//! `layer`'s.
//!
//! Invariant: the memory is bounded by the watched paths and by [`limits::LAYER_LINK_BYTES`], whatever
//! the layer holds.

use crate::domain::limits;
use crate::image::root_path::{PATH_BYTES, RootPath};
use crate::image::tar::Content;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
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

/// Why a layer is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// What containerd could not unpack either.
    #[error("{0}")]
    Malformed(String),
    /// Too many links to keep.
    #[error("too many links")]
    Links,
}

fn malformed(path: &RootPath, reason: &str) -> Refusal {
    Refusal::Malformed(format!("{path} {reason}"))
}

/// What a layer says of the watched paths.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct LayerView {
    watched: BTreeSet<RootPath>,
    /// A directory is kept only where nothing below it is, so that deep paths stay cheap.
    nodes: BTreeMap<RootPath, Node>,
    whiteouts: BTreeSet<RootPath>,
    opaque: BTreeSet<RootPath>,
}

/// The text in front of all that is below a path.
fn start_below(path: &[u8]) -> Vec<u8> {
    if path.is_empty() { Vec::new() } else { [path, b"/"].concat() }
}

/// The first of some paths that is below another.
fn first_below<'a>(
    mut paths: impl Iterator<Item = &'a RootPath>,
    start: &[u8],
) -> Option<RootPath> {
    paths.next().filter(|next| next.bytes().starts_with(start)).cloned()
}

fn behind(start: &[u8]) -> (Bound<&[u8]>, Bound<&[u8]>) {
    (Bound::Excluded(start), Bound::Unbounded)
}

impl LayerView {
    fn new(watched: BTreeSet<RootPath>) -> Self {
        Self { watched, ..Self::default() }
    }

    /// The watched paths.
    pub(super) fn into_watched(self) -> BTreeSet<RootPath> {
        self.watched
    }

    /// Whether the path, or one below it, was watched while the layer was read.
    pub(super) fn watches(&self, path: &[u8]) -> bool {
        let start = start_below(path);
        let mut deeper = self.watched.range::<[u8], _>(behind(&start));
        self.watched.contains(path) || deeper.next().is_some_and(|p| p.bytes().starts_with(&start))
    }

    /// What the layer has at a watched path.
    pub(super) fn node(&self, path: &[u8]) -> Option<&Node> {
        if let Some(node) = self.nodes.get(path) {
            return Some(node);
        }
        let start = start_below(path);
        let (next, _) = self.nodes.range::<[u8], _>(behind(&start)).next()?;
        next.bytes().starts_with(&start).then_some(&Node::Directory)
    }

    /// Whether lower layers have nothing at the path and below it. The answer is complete for whoever
    /// has asked for all directories above.
    pub(super) fn hides(&self, path: &[u8]) -> bool {
        self.whiteouts.contains(path)
    }

    /// Whether lower layers have nothing below the path.
    pub(super) fn is_opaque(&self, path: &[u8]) -> bool {
        self.opaque.contains(path)
    }

    fn set(&mut self, path: &RootPath, node: Node) {
        if node == Node::Directory && self.node(path.bytes()) == Some(&Node::Directory) {
            return;
        }
        self.clear(path);
        for end in path.ends() {
            self.nodes.remove(&path.bytes()[..end]);
        }
        self.nodes.insert(path.clone(), node);
    }

    /// Takes away what is at a path and below it.
    fn clear(&mut self, path: &RootPath) {
        self.nodes.remove(path);
        let start = path.below();
        while let Some(next) =
            first_below(self.nodes.range::<[u8], _>(behind(&start)).map(|n| n.0), &start)
        {
            self.nodes.remove(&next);
        }
    }

    /// Notes a whiteout, or an opaque directory, unless one above says it already.
    fn hide(&mut self, path: &RootPath, only_below: bool) {
        let starts = std::iter::once(0).chain(path.ends());
        for end in starts {
            let above = &path.bytes()[..end];
            let itself = end == path.bytes().len();
            let opaque = self.opaque.contains(above) && (!itself || only_below);
            if opaque || self.whiteouts.contains(above) {
                return;
            }
        }
        let start = path.below();
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

/// Where an entry goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// To a path.
    At(RootPath),
    /// Nowhere: it hides something, says nothing, or is the root itself.
    Nowhere,
}

/// How many links are followed on the way to one entry. containerd: `fs.RootPath`.
const PARENT_LINKS: usize = 255;

/// A view in the making.
pub(super) struct Builder {
    view: LayerView,
    /// The symbolic links of the layer so far: entries behind them go where they lead.
    links: BTreeMap<RootPath, Vec<u8>>,
    link_bytes: usize,
    link_limit: usize,
}

impl Builder {
    /// Begins with an empty layer.
    pub(super) fn new(watched: BTreeSet<RootPath>) -> Self {
        Self::bounded(watched, limits::LAYER_LINK_BYTES)
    }

    fn bounded(watched: BTreeSet<RootPath>, link_limit: usize) -> Self {
        let (view, links) = (LayerView::new(watched), BTreeMap::new());
        Self { view, links, link_bytes: 0, link_limit }
    }

    /// The view, once all entries are in.
    pub(super) fn finish(self) -> LayerView {
        self.view
    }

    /// Whether what is at a path matters.
    pub(super) fn watches(&self, path: &RootPath) -> bool {
        self.view.watches(path.bytes())
    }

    /// Whether the bytes of a file at a path matter.
    pub(super) fn is_watched(&self, path: &RootPath) -> bool {
        self.view.watched.contains(path)
    }

    /// Finds where an entry of this name goes, makes the directories above it, and takes note of what
    /// it hides.
    ///
    /// A whiteout hides what lower layers have, wherever it stands in the layer.
    ///
    /// # Errors
    ///
    /// [`Refusal::Malformed`] where no such entry can be unpacked.
    pub(super) fn place(&mut self, name: &[u8]) -> Result<Place, Refusal> {
        let Some((parent, base)) = self.parent_of(name)? else { return Ok(Place::Nowhere) };
        let path = parent.join(&base);
        self.imply(&parent)?;
        let Some(hidden) = base.strip_prefix(b".wh.") else { return Ok(Place::At(path)) };
        match hidden {
            b"" | b"." | b".." => return Err(malformed(&path, "is no valid whiteout")),
            b".wh..opq" if self.watches(&parent) => self.view.hide(&parent, true),
            // What aufs left behind.
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

    /// Puts an entry at its place. What is there already goes, with all below it, unless both are
    /// directories.
    ///
    /// # Errors
    ///
    /// A [`Refusal`], where it cannot be unpacked or is a link too many.
    pub(super) fn put(&mut self, path: &RootPath, node: Node) -> Result<(), Refusal> {
        self.forget_links(path, node != Node::Directory);
        if let Node::Symlink(target) = &node {
            if target.is_empty() || target.len() >= PATH_BYTES {
                return Err(malformed(path, "is a link whose target no link can have"));
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

    /// Puts a hard link at its place: what its target is at this moment.
    ///
    /// # Errors
    ///
    /// As [`Builder::put`], and where the target is a directory.
    pub(super) fn put_link(&mut self, path: &RootPath, name: &[u8]) -> Result<(), Refusal> {
        let Some((parent, base)) = self.parent_of(name)? else {
            return Err(malformed(path, "is a hard link to the root"));
        };
        let target = parent.join(&base);
        // The old file goes first, and may have been the target.
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

    /// The directory that an entry's name leads to, and the last name, which is not followed.
    ///
    /// containerd: `archive.applyNaive`, `hardlinkRootPath`.
    fn parent_of(&self, name: &[u8]) -> Result<Option<(RootPath, Vec<u8>)>, Refusal> {
        let clean = RootPath::clean(name);
        let Some((parent, base)) = clean.split() else { return Ok(None) };
        let parent = self.follow(parent)?;
        if parent.bytes().len() + 1 + base.len() > PATH_BYTES {
            return Err(Refusal::Malformed("path of an entry is too long".to_owned()));
        }
        Ok(Some((parent, base.to_vec())))
    }

    /// Follows the links of this layer.
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
        }
        Ok(path)
    }

    /// The first link on the way, and where its text ends.
    fn first_link(&self, path: &RootPath) -> Option<(usize, &[u8])> {
        if self.links.is_empty() {
            return None;
        }
        let ends = path.ends().into_iter();
        let mut links = ends.filter_map(|end| Some((end, self.links.get(&path.bytes()[..end])?)));
        links.next().map(|(end, target)| (end, target.as_slice()))
    }

    /// Makes a directory and those above it.
    ///
    /// They are this layer's own, so they hide a link of the same name in a lower layer: containerd
    /// unpacks straight into the upper directory of an overlay, where the lower layers are not seen.
    fn imply(&mut self, directory: &RootPath) -> Result<(), Refusal> {
        let mut missing = None;
        for end in directory.ends() {
            let prefix = &directory.bytes()[..end];
            if !self.view.watches(prefix) {
                break;
            }
            match self.view.node(prefix) {
                None => missing = Some(RootPath::clean(prefix)),
                Some(Node::Directory) => {}
                Some(_) => return Err(malformed(directory, "holds an entry and is no directory")),
            }
        }
        if let Some(missing) = missing {
            self.view.set(&missing, Node::Directory);
        }
        Ok(())
    }

    /// Forgets the link at a path, and those below it where they go with it.
    fn forget_links(&mut self, path: &RootPath, with_below: bool) {
        if self.links.is_empty() {
            return;
        }
        let start = path.below();
        let mut next = Some(path.clone());
        while let Some(link) = next {
            if let Some(target) = self.links.remove(&link) {
                self.link_bytes -= link_cost(&link, &target);
            }
            let rest = self.links.range::<[u8], _>(behind(&start)).map(|(path, _)| path);
            next = first_below(rest, &start).filter(|_| with_below);
        }
    }
}

/// What a link takes while the layer is read: its two texts, and their places in the map.
fn link_cost(path: &RootPath, target: &[u8]) -> usize {
    path.bytes().len() + target.len() + 96
}
