//! Random stacks of layers, against a model that unpacks them: each into a tree of its own, then laid
//! on each other from the bottom up.

use super::store::Image;
use crate::support::archive::Tar;
use crate::support::fuzz::cases;
use proptest::prelude::*;
use specd::domain::limits;
use specd::image::{AccountFiles, ImageError, NeededFiles};
use std::collections::{BTreeMap, BTreeSet};

/// One entry of a layer; paths have no link in front of them here, `..` neither.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Op {
    File(String, u32),
    Dir(String),
    Symlink(String, String),
    HardLink(String, String),
    Whiteout(String),
    Opaque(String),
}

/// A tree of files.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Tree {
    Dir(BTreeMap<String, Tree>),
    File(u32),
    Symlink(String),
}

/// One layer, unpacked.
#[derive(Debug, Clone)]
pub(crate) struct Upper {
    pub(crate) root: Tree,
    pub(crate) whiteouts: BTreeSet<String>,
    pub(crate) opaque: BTreeSet<String>,
}

fn split(path: &str) -> Vec<String> {
    path.split('/').filter(|name| !name.is_empty() && *name != ".").map(str::to_owned).collect()
}

impl Tree {
    fn at(&self, path: &[String]) -> Option<&Tree> {
        path.iter().try_fold(self, |tree, name| match tree {
            Tree::Dir(children) => children.get(name),
            Tree::File(_) | Tree::Symlink(_) => None,
        })
    }

    fn dir(&mut self, path: &[String]) -> Option<&mut BTreeMap<String, Tree>> {
        let Tree::Dir(children) = self else { return None };
        match path {
            [] => Some(children),
            [name, rest @ ..] => {
                let empty = || Tree::Dir(BTreeMap::new());
                children.entry(name.clone()).or_insert_with(empty).dir(rest)
            }
        }
    }

    /// Resolves all links of a path; what is not there is taken as it is. Nothing for a loop.
    fn real(&self, path: &[String], links: &mut usize) -> Option<Vec<String>> {
        let (mut here, mut rest) = (Vec::new(), path.to_vec());
        rest.reverse();
        while let Some(name) = rest.pop() {
            if name == ".." {
                here.pop();
                continue;
            }
            here.push(name);
            if let Some(Tree::Symlink(target)) = self.at(&here) {
                *links += 1;
                if *links > limits::SYMLINKS {
                    return None;
                }
                here.pop();
                if target.starts_with('/') {
                    here.clear();
                }
                rest.extend(split(target).into_iter().rev());
            }
        }
        Some(here)
    }
}

impl Upper {
    fn new() -> Self {
        let (whiteouts, opaque) = (BTreeSet::new(), BTreeSet::new());
        Self { root: Tree::Dir(BTreeMap::new()), whiteouts, opaque }
    }

    /// Unpacks one entry; nothing where it cannot be.
    fn apply(&mut self, op: &Op) -> Option<()> {
        let (path, marker) = match op {
            Op::File(path, _) | Op::Dir(path) | Op::Symlink(path, _) | Op::HardLink(path, _) => {
                (path.clone(), false)
            }
            Op::Whiteout(path) => (path.clone(), true),
            Op::Opaque(path) => (format!("{path}/marker"), true),
        };
        let mut parent = split(&path);
        let name = parent.pop()?;
        let parent = self.root.real(&parent, &mut 0)?;
        let mut full = parent.clone();
        full.push(name.clone());
        let new = match op {
            Op::File(_, content) => Tree::File(*content),
            Op::Dir(_) => Tree::Dir(BTreeMap::new()),
            Op::Symlink(_, target) => Tree::Symlink(target.clone()),
            Op::HardLink(_, target) => {
                let mut above = split(target);
                let last = above.pop()?;
                let mut target = self.root.real(&above, &mut 0)?;
                target.push(last);
                if target.starts_with(&full) {
                    return None;
                }
                match self.root.at(&target)?.clone() {
                    Tree::Dir(_) => return None,
                    node @ (Tree::File(_) | Tree::Symlink(_)) => node,
                }
            }
            Op::Whiteout(_) | Op::Opaque(_) => Tree::File(0),
        };
        let mut trial = self.root.clone();
        let children = trial.dir(&parent)?;
        match (op, children.get(&name)) {
            _ if marker => {}
            (Op::Dir(_), Some(Tree::Dir(_))) => {}
            _ => {
                children.insert(name, new);
            }
        }
        self.root = trial;
        match op {
            Op::Whiteout(_) => self.whiteouts.insert(full.join("/")),
            Op::Opaque(_) => self.opaque.insert(parent.join("/")),
            Op::File(..) | Op::Dir(_) | Op::Symlink(..) | Op::HardLink(..) => true,
        };
        Some(())
    }

    fn over(&self, lower: Option<Tree>, upper: &Tree, path: &str) -> Tree {
        let Tree::Dir(children) = upper else { return upper.clone() };
        // overlayfs ignores the mark of a layer's root.
        let is_opaque = !path.is_empty() && self.opaque.contains(path);
        let mut merged = match lower {
            Some(Tree::Dir(lower)) if !is_opaque => lower,
            _ => BTreeMap::new(),
        };
        let below =
            |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
        merged.retain(|name, _| !self.whiteouts.contains(&below(name)));
        for (name, child) in children {
            let child = self.over(merged.remove(name), child, &below(name));
            merged.insert(name.clone(), child);
        }
        Tree::Dir(merged)
    }
}

/// Unpacks a layer, without the entries that cannot be.
pub(crate) fn unpack(ops: &[Op]) -> (Upper, Vec<Op>) {
    let mut upper = Upper::new();
    let kept = ops.iter().filter(|op| upper.apply(op).is_some()).cloned().collect();
    (upper, kept)
}

/// What a reader sees at a path.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Seen {
    Content(u32),
    Nothing,
    Refused,
}

/// Walks as the kernel does: each name must be there before the next is looked at.
fn look(root: &Tree, path: &str) -> Seen {
    let (mut here, mut rest, mut links) = (Vec::new(), split(path), 0);
    rest.reverse();
    while let Some(name) = rest.pop() {
        if name == ".." {
            here.pop();
            continue;
        }
        here.push(name);
        match root.at(&here) {
            None => return Seen::Nothing,
            Some(Tree::Dir(_)) => {}
            Some(Tree::File(content)) if rest.is_empty() => return Seen::Content(*content),
            Some(Tree::File(_)) => return Seen::Refused,
            Some(Tree::Symlink(target)) => {
                links += 1;
                if links > limits::SYMLINKS {
                    return Seen::Refused;
                }
                here.pop();
                if target.starts_with('/') {
                    here.clear();
                }
                rest.extend(split(target).into_iter().rev());
            }
        }
    }
    Seen::Refused
}

pub(crate) fn archive(ops: &[Op]) -> Tar {
    ops.iter().fold(Tar::default(), |tar, op| match op {
        Op::File(path, content) => tar.file(path, &content.to_string()),
        Op::Dir(path) => tar.dir(path),
        Op::Symlink(path, target) => tar.symlink(path, target),
        Op::HardLink(path, target) => tar.hardlink(path, target),
        Op::Whiteout(path) => {
            let (parent, name) = path.rsplit_once('/').unwrap_or((".", path));
            tar.file(&format!("{parent}/.wh.{name}"), "")
        }
        Op::Opaque(path) => tar.file(&format!("{path}/.wh..wh..opq"), ""),
    })
}

/// What specd answers for one file of an image of these layers, the lowest first.
pub(crate) fn answer(layers: &[Vec<Op>], passwd: bool) -> Result<Seen, ImageError> {
    let image = layers.iter().fold(Image::default(), |image, ops| image.tar(archive(ops)));
    let needed = NeededFiles { passwd, group: !passwd };
    seen(image.read_noting(needed).0)
}

/// The one file that was wanted, in the words of the model.
pub(crate) fn seen(files: Result<AccountFiles, ImageError>) -> Result<Seen, ImageError> {
    match files {
        Ok(AccountFiles { passwd, group }) => Ok(match passwd.or(group) {
            Some(bytes) => Seen::Content(std::str::from_utf8(&bytes).unwrap().parse().unwrap()),
            None => Seen::Nothing,
        }),
        Err(ImageError::File { .. }) => Ok(Seen::Refused),
        Err(other) => Err(other),
    }
}

fn path() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => Just("etc/passwd"), 3 => Just("etc/group"), 4 => Just("etc"), 2 => Just("usr"),
        3 => Just("usr/etc"), 3 => Just("usr/etc/passwd"), 2 => Just("etc/real"), 2 => Just("a"),
        2 => Just("a/passwd"), 1 => Just("usr/a/passwd"), 1 => Just("usr/a"), 1 => Just("b"),
    ]
    .prop_map(str::to_owned)
}

fn target() -> impl Strategy<Value = String> {
    prop_oneof![
        path(),
        path().prop_map(|path| format!("/{path}")),
        path().prop_map(|path| format!("../{path}")),
        path().prop_map(|path| format!("../../{path}")),
        Just("passwd".to_owned()),
        Just("real".to_owned()),
        Just("..".to_owned()),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (path(), 1_u32..10_000).prop_map(|(path, content)| Op::File(path, content)),
        3 => path().prop_map(Op::Dir),
        4 => (path(), target()).prop_map(|(path, target)| Op::Symlink(path, target)),
        2 => (path(), path()).prop_map(|(path, target)| Op::HardLink(path, target)),
        2 => path().prop_map(Op::Whiteout),
        1 => path().prop_map(Op::Opaque),
        1 => Just(Op::Opaque(".".to_owned())),
    ]
}

/// Up to five layers.
pub(crate) fn stack() -> impl Strategy<Value = Vec<Vec<Op>>> {
    prop::collection::vec(prop::collection::vec(op(), 0..7), 1..6)
}

proptest! {
    #![proptest_config(cases(1500))]

    #[test]
    fn any_stack_shows_what_the_model_shows(layers in stack()) {
        let (uppers, layers): (Vec<_>, Vec<_>) = layers.iter().map(|ops| unpack(ops)).unzip();
        let merged = uppers.iter().fold(Tree::Dir(BTreeMap::new()), |lower, upper| {
            upper.over(Some(lower), &upper.root, "")
        });
        for (file, passwd) in [("etc/passwd", true), ("etc/group", false)] {
            let answer = answer(&layers, passwd);
            prop_assert_eq!(answer, Ok(look(&merged, file)), "{}: {:#?}", file, layers);
        }
    }
}
