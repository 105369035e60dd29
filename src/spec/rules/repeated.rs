//! Elements that a list has more than once.

use std::collections::HashSet;
use std::hash::Hash;

/// Up to so many elements are compared with each other, which needs no memory.
const FEW: usize = 16;

/// The positions of the elements that equal an earlier one.
pub(super) fn positions<K: Eq + Hash>(
    keys: impl ExactSizeIterator<Item = K> + Clone,
) -> Vec<usize> {
    if keys.len() <= FEW {
        let is_repeated =
            |(index, key): &(usize, K)| keys.clone().take(*index).any(|other| other == *key);
        return keys.clone().enumerate().filter(is_repeated).map(|(index, _)| index).collect();
    }
    let mut seen = HashSet::with_capacity(keys.len());
    keys.enumerate().filter_map(|(index, key)| (!seen.insert(key)).then_some(index)).collect()
}

#[cfg(test)]
mod tests {
    use super::positions;

    #[test]
    fn short_and_long_lists_are_searched_alike() {
        assert_eq!(positions(["a", "b", "a", "a"].iter()), [2, 3]);
        assert!(positions([""; 0].iter()).is_empty());
        let long: Vec<usize> = (0..1000).chain([7, 1000, 7]).collect();
        assert_eq!(positions(long.iter()), [1000, 1002]);
    }
}
