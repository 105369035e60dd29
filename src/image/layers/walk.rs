//! One path through a stack of layers, as an overlay file system would show it.
//!
//! Pure: a [`Walk`] is given what is known of the layers, and answers with what is there, or with the
//! layer that it must know more of. It goes newest first and never asks for a layer that cannot change
//! the answer.

use crate::domain::limits;
use crate::image::layers::view::{LayerView, Node};
use crate::paths::{PathWalk, RootPath};

/// How far a walk came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Progress {
    /// It must know what a layer (0 is the newest) has at a path.
    Needs { layer: usize, path: RootPath },
    /// What is there: nothing, or a node that is no link.
    Done(Option<Node>),
}

/// Why a walk cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Stop {
    /// More links than [`limits::SYMLINKS`].
    #[error("is reached through too many links")]
    TooManyLinks,
    /// A file where the way leads through a directory.
    #[error("is reached through {0}, which is no directory")]
    NotDirectory(RootPath),
    /// What a newer layer may hide, where its marks cannot be seen.
    #[error(
        "without CAP_SYS_ADMIN in the initial user namespace nobody can see whether a directory on the \
         way to {0} is marked as opaque in a newer layer"
    )]
    MarksUnseen(RootPath),
}

/// A path on its way through the layers.
pub(super) struct Walk {
    path: PathWalk,
    symlinks: usize,
    /// The newest layer that is seen; not 0 while the target of a hard link is looked for.
    newest: usize,
    /// The hard links whose targets are looked for, the innermost last.
    aliases: Vec<Alias>,
    look: Option<Look>,
}

/// A hard link whose layer does not have its target.
struct Alias {
    link: RootPath,
    /// What is to walk behind it.
    path: PathWalk,
    /// What [`Walk::newest`] was.
    newest: usize,
}

impl Walk {
    /// Begins at the root.
    pub(super) fn to(path: &RootPath) -> Self {
        Self {
            path: PathWalk::new(path.bytes()),
            symlinks: 0,
            newest: 0,
            aliases: Vec::new(),
            look: None,
        }
    }

    /// Goes as far as the views allow.
    ///
    /// # Errors
    ///
    /// A [`Stop`].
    pub(super) fn advance(&mut self, layers: &[Option<LayerView>]) -> Result<Progress, Stop> {
        loop {
            let next = || Some(Look::new(self.path.next_long_path()?, self.newest));
            let Some(mut look) = self.look.take().or_else(next) else {
                return Ok(Progress::Done(Some(Node::Directory)));
            };
            match look.down(layers) {
                _ if look.targets > limits::SYMLINKS => return Err(Stop::TooManyLinks),
                Seen::Unknown(layer, path) => {
                    self.look = Some(look);
                    return Ok(Progress::Needs { layer, path });
                }
                Seen::Nothing => return Ok(Progress::Done(None)),
                Seen::MarksUnseen => return Err(Stop::MarksUnseen(look.path)),
                Seen::Node { end, layer, node } => {
                    let at = RootPath::clean(&look.path.bytes()[..end]);
                    self.path.put_back(&look.path.bytes()[end..]);
                    if let Some(answer) = self.step(at, layer, node)? {
                        return Ok(Progress::Done(Some(answer)));
                    }
                }
            }
        }
    }

    /// Goes on from a node. Answers with it where it is the end.
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
                // A hard link to a symbolic link is that link, and leads on from where it itself is.
                let at = self.end_aliases(at);
                self.path.follow_link(at, &target);
                Ok(None)
            }
            Node::HardLink(target) => {
                // Its layer does not have the target: those below answer.
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

    /// Goes back to the hard link, and to the layers that it came from, where its target is reached.
    fn end_aliases(&mut self, mut at: RootPath) -> RootPath {
        while self.path.is_at_end() {
            let Some(alias) = self.aliases.pop() else { break };
            (at, self.path, self.newest) = (alias.link, alias.path, alias.newest);
        }
        at
    }
}

/// What there is along a path without links.
enum Seen {
    /// The layer that must be asked, and for what.
    Unknown(usize, RootPath),
    /// Nothing at the end of the path.
    Nothing,
    /// Whether lower layers count depends on marks that cannot be seen.
    MarksUnseen,
    /// The node at the end of the path, or the first that is no directory.
    Node { end: usize, layer: usize, node: Node },
}

/// A path that is looked for from layer to layer.
struct Look {
    path: RootPath,
    ends: Vec<usize>,
    /// How many prefixes are directories.
    solid: usize,
    /// From which prefix on the lower layers are hidden.
    hidden: usize,
    layer: usize,
    /// The target of a hard link that was asked for last, and how many there were.
    target: Option<RootPath>,
    targets: usize,
}

impl Look {
    fn new(path: RootPath, layer: usize) -> Self {
        let ends = path.ends();
        Self { path, ends, solid: 0, hidden: usize::MAX, layer, target: None, targets: 0 }
    }

    /// Looks into one layer after the other.
    fn down(&mut self, layers: &[Option<LayerView>]) -> Seen {
        while let Some(view) = layers.get(self.layer) {
            let Some(view) = view.as_ref().filter(|view| view.watches(self.path.bytes())) else {
                return Seen::Unknown(self.layer, self.path.clone());
            };
            match self.into(view) {
                Some((_, Node::HardLink(target))) if !view.watches(target.bytes()) => {
                    if self.target.as_ref() != Some(&target) {
                        self.target = Some(target.clone());
                        self.targets += 1;
                    }
                    return Seen::Unknown(self.layer, target);
                }
                Some((end, node)) => return Seen::Node { end, layer: self.layer, node },
                None if self.hidden <= self.solid + 1 => return Seen::Nothing,
                None if self.is_last(layers) => return Seen::Nothing,
                None if view.marks_unseen() && view.reach(&self.path, &self.ends) > 0 => {
                    return Seen::MarksUnseen;
                }
                None => self.layer += 1,
            }
        }
        Seen::Nothing
    }

    fn is_last(&self, layers: &[Option<LayerView>]) -> bool {
        self.layer + 1 == layers.len()
    }

    /// Looks into one layer: directories add up, the first thing else is what is seen, and beneath a
    /// directory of a newer layer it hides what is lower.
    fn into(&mut self, view: &LayerView) -> Option<(usize, Node)> {
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
