//! The symbolic links of a layer while it is read, found by the hashes of their paths.

use crate::image::layers::view::behind;
use crate::paths::RootPath;
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hasher, RandomState};

/// The symbolic links of a layer.
#[derive(Default)]
pub(super) struct Links {
    by_path: BTreeMap<RootPath, Vec<u8>>,
    /// How many of the paths have a hash: to compare whole paths at each name of a long one would take long.
    hashes: HashMap<u64, usize>,
    hasher: RandomState,
}

impl Links {
    /// Whether no link is known.
    pub(super) fn is_empty(&self) -> bool {
        self.by_path.is_empty() && self.hashes.is_empty()
    }

    /// The paths behind a text, in order.
    pub(super) fn after(&self, start: &[u8]) -> impl Iterator<Item = &RootPath> {
        self.by_path.range::<[u8], _>(behind(start)).map(|(path, _)| path)
    }

    pub(super) fn get(&self, path: &RootPath) -> Option<&Vec<u8>> {
        self.by_path.get(path)
    }

    fn hash(&self, path: &RootPath) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        path.names().for_each(|name| add_name(&mut hasher, name));
        hasher.finish()
    }

    pub(super) fn insert(&mut self, path: RootPath, target: Vec<u8>) {
        let hash = self.hash(&path);
        if self.by_path.insert(path, target).is_none() {
            *self.hashes.entry(hash).or_default() += 1;
        }
    }

    pub(super) fn remove(&mut self, path: &RootPath) -> Option<Vec<u8>> {
        let target = self.by_path.remove(path)?;
        let hash = self.hash(path);
        if let Some(count) = self.hashes.get_mut(&hash) {
            *count -= 1;
            if *count == 0 {
                self.hashes.remove(&hash);
            }
        }
        Some(target)
    }

    /// The first link on a path: where its text ends, and its target.
    pub(super) fn first_on(&self, path: &RootPath) -> Option<(usize, &[u8])> {
        if self.by_path.is_empty() {
            return None;
        }
        let (mut hasher, mut end) = (self.hasher.build_hasher(), 0);
        for name in path.names() {
            add_name(&mut hasher, name);
            end += name.len();
            if self.hashes.contains_key(&hasher.clone().finish())
                && let Some(target) = self.by_path.get(&path.bytes()[..end])
            {
                return Some((end, target));
            }
            end += 1;
        }
        None
    }
}

fn add_name(hasher: &mut impl Hasher, name: &[u8]) {
    hasher.write(name);
    hasher.write_u8(b'/');
}
