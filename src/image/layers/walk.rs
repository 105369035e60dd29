//! Follows one path through a stack of layers, as overlayfs merges them.
//!
//! Pure: a [`Walk`] gets the views of the layers, and returns what is at the end of the path, or the layer
//! of which it must know more. It goes newest first and never needs a layer that cannot change the result.

use crate::domain::limits;
use crate::image::layers::view::{LayerView, Node};
use crate::paths::{PathWalk, RootPath};

/// How far a walk has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Progress {
    /// It must know what a layer (0 is the newest) has at a path.
    Needs { layer: usize, path: RootPath },
    /// What is there: nothing, or a node that is not a link.
    Done(Option<Node>),
}

/// Why a walk cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Stop {
    /// More links than [`limits::SYMLINKS`].
    #[error("is reached through too many links")]
    TooManyLinks,
    /// More steps than [`limits::WALK_STEPS`].
    #[error("is reached through a path that takes too many steps")]
    TooManySteps,
    /// The path leads through a file.
    #[error("is reached through {0}, which is not a directory")]
    NotDirectory(RootPath),
    /// A newer layer may hide it, and its marks cannot be seen.
    #[error(
        "whether a directory on the way to {0} is marked as opaque in a newer layer can be seen only with \
         CAP_SYS_ADMIN in the initial user namespace"
    )]
    MarksUnseen(RootPath),
}

/// A path on its way through the layers.
pub(super) struct Walk {
    path: PathWalk,
    symlinks: usize,
    steps: usize,
    /// The newest layer that counts; not 0 while the target of a hard link is searched.
    newest: usize,
    /// The hard links on the way of which the target is searched, the innermost last.
    aliases: Vec<Alias>,
    search: Option<PathSearch>,
}

/// A hard link to a target that its own layer does not have.
struct Alias {
    link: RootPath,
    /// What is to be walked after it.
    path: PathWalk,
    /// The value of [`Walk::newest`] before it.
    newest: usize,
}

impl Walk {
    /// Begins at the root.
    pub(super) fn to(path: &RootPath) -> Self {
        Self {
            path: PathWalk::new(path.bytes()),
            symlinks: 0,
            steps: 0,
            newest: 0,
            aliases: Vec::new(),
            search: None,
        }
    }

    /// Continues as far as the views allow.
    ///
    /// # Errors
    ///
    /// A [`Stop`].
    pub(super) fn advance(&mut self, layers: &[Option<LayerView>]) -> Result<Progress, Stop> {
        loop {
            let next = || Some(PathSearch::new(self.path.next_long_path()?, self.newest));
            let Some(mut search) = self.search.take().or_else(next) else {
                return Ok(Progress::Done(Some(Node::Directory)));
            };
            let before = search.layer;
            let found = search.search_layers(layers);
            self.steps += 1 + search.layer - before;
            if self.steps > limits::WALK_STEPS {
                return Err(Stop::TooManySteps);
            }
            match found {
                _ if search.targets > limits::SYMLINKS => return Err(Stop::TooManyLinks),
                Found::Unknown(layer, path) => {
                    self.search = Some(search);
                    return Ok(Progress::Needs { layer, path });
                }
                Found::Nothing => return Ok(Progress::Done(None)),
                Found::MarksUnseen => return Err(Stop::MarksUnseen(search.path)),
                Found::Node { end, layer, node } => {
                    let at = RootPath::clean(&search.path.bytes()[..end]);
                    self.path.put_back(&search.path.bytes()[end..]);
                    if let Some(answer) = self.step(at, layer, node)? {
                        return Ok(Progress::Done(Some(answer)));
                    }
                }
            }
        }
    }

    /// Continues from a node. Returns it if it is the end.
    fn step(&mut self, at: RootPath, layer: usize, node: Node) -> Result<Option<Node>, Stop> {
        match node {
            Node::Directory => {
                self.path.enter(at);
                Ok(None)
            }
            Node::Symlink(target) => {
                self.symlinks += 1;
                if self.symlinks > limits::SYMLINKS {
                    return Err(Stop::TooManyLinks);
                }
                // A hard link to a symbolic link is that link, at the place of the hard link.
                let at = self.end_aliases(at);
                self.path.follow_link(at, &target);
                Ok(None)
            }
            Node::HardLink(target) => {
                // Its layer does not have the target, so a lower one must.
                let link = self.end_aliases(at);
                let path = std::mem::replace(&mut self.path, PathWalk::new(target.bytes()));
                self.aliases.push(Alias { link, path, newest: self.newest });
                self.newest = layer + 1;
                Ok(None)
            }
            node @ (Node::File(_) | Node::Special(_)) => {
                let at = self.end_aliases(at);
                if self.path.is_at_end() { Ok(Some(node)) } else { Err(Stop::NotDirectory(at)) }
            }
        }
    }

    /// Returns to the hard link, and to the layers before it, once its target is reached.
    fn end_aliases(&mut self, mut at: RootPath) -> RootPath {
        while self.path.is_at_end() {
            let Some(alias) = self.aliases.pop() else { break };
            (at, self.path, self.newest) = (alias.link, alias.path, alias.newest);
        }
        at
    }
}

/// What is found along a path without links.
enum Found {
    /// The layer that must be read, and the path in it.
    Unknown(usize, RootPath),
    /// Nothing at the end of the path.
    Nothing,
    /// Lower layers may be hidden by marks that cannot be seen.
    MarksUnseen,
    /// The node at the end of the path, or the first that is not a directory.
    Node { end: usize, layer: usize, node: Node },
}

/// A path that is searched from layer to layer.
struct PathSearch {
    path: RootPath,
    ends: Vec<usize>,
    /// How many prefixes are directories.
    solid: usize,
    /// The first prefix at which lower layers are hidden.
    hidden: usize,
    layer: usize,
    /// The last target of a hard link that had to be known, and how many there were.
    target: Option<RootPath>,
    targets: usize,
}

impl PathSearch {
    fn new(path: RootPath, layer: usize) -> Self {
        let ends = path.ends();
        Self { path, ends, solid: 0, hidden: usize::MAX, layer, target: None, targets: 0 }
    }

    /// Searches one layer after the other.
    fn search_layers(&mut self, layers: &[Option<LayerView>]) -> Found {
        while let Some(view) = layers.get(self.layer) {
            let Some(view) = view.as_ref().filter(|view| view.watches(self.path.bytes())) else {
                return Found::Unknown(self.layer, self.path.clone());
            };
            match self.search_layer(view) {
                Some((_, Node::HardLink(target))) if !view.watches(target.bytes()) => {
                    if self.target.as_ref() != Some(&target) {
                        self.target = Some(target.clone());
                        self.targets += 1;
                    }
                    return Found::Unknown(self.layer, target);
                }
                Some((end, node)) => return Found::Node { end, layer: self.layer, node },
                None if self.hidden <= self.solid + 1 => return Found::Nothing,
                None if self.is_last(layers) => return Found::Nothing,
                None if view.marks_unseen() && view.reach(&self.path, &self.ends) > 0 => {
                    return Found::MarksUnseen;
                }
                None => self.layer += 1,
            }
        }
        Found::Nothing
    }

    fn is_last(&self, layers: &[Option<LayerView>]) -> bool {
        self.layer + 1 == layers.len()
    }

    /// Searches one layer: directories of all layers are merged, the first other node is the result, and
    /// where a newer layer has a directory, that node only hides the layers below it.
    fn search_layer(&mut self, view: &LayerView) -> Option<(usize, Node)> {
        let visible = self.ends.len().min(self.hidden - 1);
        let reach = view.reach(&self.path, &self.ends[..visible]);
        let end = self.ends[..reach].last().copied();
        let covers = match end.and_then(|end| Some((end, view.node(&self.path.bytes()[..end])?))) {
            None => usize::MAX,
            Some((_, Node::Directory)) => {
                self.solid = self.solid.max(reach);
                usize::MAX
            }
            Some(_) if reach <= self.solid => reach,
            Some((end, node)) => return Some((end, node.clone())),
        };
        self.hidden = self.hidden.min(covers).min(view.hidden_from(&self.path, &self.ends));
        let whole = self.ends.last().copied().filter(|_| self.solid == self.ends.len())?;
        Some((whole, Node::Directory))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::layers::apply::Builder;
    use std::collections::BTreeSet;

    fn path(text: &str) -> RootPath {
        RootPath::clean(text.as_bytes())
    }

    fn view(watched: &[&str], entries: &[(&str, Node)]) -> Option<LayerView> {
        let watched: BTreeSet<_> = watched.iter().map(|text| path(text)).collect();
        let mut builder = Builder::new(watched);
        for (name, node) in entries {
            builder.place(name.as_bytes()).unwrap();
            builder.put(&path(name), node.clone()).unwrap();
        }
        Some(builder.finish())
    }

    fn needs(layer: usize, text: &str) -> Result<Progress, Stop> {
        Ok(Progress::Needs { layer, path: path(text) })
    }

    #[test]
    fn it_asks_for_one_layer_after_the_other_and_remembers_where_it_was() {
        let found = Node::Special("found");
        let mut walk = Walk::to(&path("etc/passwd"));
        let mut layers = vec![None, None, None];
        assert_eq!(walk.advance(&layers), needs(0, "etc/passwd"));
        assert_eq!(walk.advance(&layers), needs(0, "etc/passwd"));
        layers[0] = view(&["etc/passwd"], &[("etc", Node::Directory)]);
        assert_eq!(walk.advance(&layers), needs(1, "etc/passwd"));
        layers[1] = view(&["etc/passwd"], &[("etc/passwd", found.clone())]);
        assert_eq!(walk.advance(&layers), Ok(Progress::Done(Some(found))));
    }

    #[test]
    fn a_link_leads_to_a_path_that_was_not_watched() {
        let link = ("etc/passwd", Node::Symlink(b"../x/y".to_vec()));
        let mut walk = Walk::to(&path("etc/passwd"));
        let mut layers = vec![view(&["etc/passwd"], std::slice::from_ref(&link)), None];
        assert_eq!(walk.advance(&layers), needs(0, "x/y"));
        layers[0] = view(&["etc/passwd", "x/y"], &[link]);
        assert_eq!(walk.advance(&layers), needs(1, "x/y"));
        layers[1] = view(&["x/y"], &[]);
        assert_eq!(walk.advance(&layers), Ok(Progress::Done(None)));
    }

    #[test]
    fn a_target_that_is_asked_for_again_is_one_hard_link() {
        let linked = ("etc/passwd", Node::HardLink(path("data")));
        let mut walk = Walk::to(&path("etc/passwd"));
        let layers = [view(&["etc/passwd"], std::slice::from_ref(&linked))];
        for _ in 0..100 {
            assert_eq!(walk.advance(&layers), needs(0, "data"));
        }
        let layers = [view(&["etc/passwd", "data"], &[linked])];
        assert_eq!(walk.advance(&layers), Ok(Progress::Done(None)));
    }
}
