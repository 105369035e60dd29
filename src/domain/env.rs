//! The environment: how changes are merged over a list of `KEY=value`.
//!
//! Order and duplicates are kept as containerd keeps them, since they show in the spec's bytes.

use std::collections::HashMap;

/// The search path where an image sets none. containerd: `oci.defaultUnixEnv`.
pub const DEFAULT_PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// An entry of an environment; a text, or one that knows where it comes from.
pub trait Entry: Clone {
    /// `KEY=value`, or what else stands there.
    fn text(&self) -> &str;
    /// Becomes another.
    fn replace(&mut self, by: &Self);
    /// Is unset by another, and is empty from then on.
    fn unset(&mut self, by: &Self);
    /// Whether it is kept when all has been merged.
    fn stays(&self) -> bool;
}

impl Entry for String {
    fn text(&self) -> &str {
        self
    }

    fn replace(&mut self, by: &Self) {
        self.clone_from(by);
    }

    fn unset(&mut self, _: &Self) {
        self.clear();
    }

    fn stays(&self) -> bool {
        !self.is_empty()
    }
}

/// The key of an entry: what stands before the first `=`, or all of it.
#[must_use]
pub fn key(entry: &str) -> &str {
    entry.split_once('=').map_or(entry, |(key, _)| key)
}

/// Whether some entry sets this key.
#[must_use]
pub fn has(env: &[String], wanted: &str) -> bool {
    env.iter().any(|entry| entry.split_once('=').is_some_and(|(key, _)| key == wanted))
}

/// Sets variables one after the other: each replaces the last one of its key, or is appended.
pub fn set_each(env: &mut Vec<String>, entries: &[String]) {
    if entries.is_empty() {
        return;
    }
    let all = env.iter().enumerate();
    let mut last: HashMap<String, usize> =
        all.map(|(index, entry)| (key(entry).to_owned(), index)).collect();
    for entry in entries {
        match last.get(key(entry)) {
            Some(&index) => env[index].clone_from(entry),
            None => {
                last.insert(key(entry).to_owned(), env.len());
                env.push(entry.clone());
            }
        }
    }
}

/// Merges overrides over defaults.
///
/// An override `KEY=value` replaces the last default of that key in its place, or is appended; `KEY`
/// alone removes that default; entries that are empty go. Keys are compared byte for byte.
///
/// containerd: `oci.replaceOrAppendEnvValues`.
#[must_use]
pub fn merge<E: Entry>(defaults: &[E], overrides: &[E]) -> Vec<E> {
    let last: HashMap<&str, usize> =
        defaults.iter().enumerate().map(|(index, entry)| (key(entry.text()), index)).collect();
    let mut merged = defaults.to_vec();
    for entry in overrides {
        match (entry.text().contains('='), last.get(key(entry.text()))) {
            (true, Some(&index)) => merged[index].replace(entry),
            (true, None) => merged.push(entry.clone()),
            (false, Some(&index)) => merged[index].unset(entry),
            (false, None) => {}
        }
    }
    merged.retain(Entry::stays);
    merged
}

/// Puts requested entries before those of an image, which they replace or remove; of several for one key the last one counts. What
/// was removed comes second.
///
/// Docker: `daemon.merge`, in which the entries of the container come before those of the image.
#[must_use]
pub fn put_before<E: Entry>(requested: &[E], image: Vec<E>) -> (Vec<E>, Vec<E>) {
    if requested.is_empty() {
        return (image, Vec::new());
    }
    let last: HashMap<&str, usize> =
        requested.iter().enumerate().map(|(index, entry)| (key(entry.text()), index)).collect();
    let (replaced, kept): (Vec<E>, Vec<E>) =
        image.into_iter().partition(|entry| last.contains_key(key(entry.text())));
    let mut replaced: HashMap<String, E> =
        replaced.into_iter().map(|entry| (key(entry.text()).to_owned(), entry)).collect();
    let mut merged = Vec::with_capacity(requested.len() + kept.len());
    let mut removed = Vec::new();
    let counts = |(index, entry): &(usize, &E)| last.get(key(entry.text())) == Some(index);
    for (_, entry) in requested.iter().enumerate().filter(counts) {
        let mut entry = entry.clone();
        if let Some(mut old) = replaced.remove(key(entry.text())) {
            if entry.text().contains('=') {
                old.replace(&entry);
                entry = old;
            } else {
                old.unset(&entry);
                removed.push(old);
            }
        }
        // A name without a value also removes what comes from elsewhere.
        merged.push(entry);
    }
    merged.extend(kept);
    (merged, removed)
}

/// Lays entries over a few defaults: each replaces or removes the default of its key, or follows the defaults.
///
/// Docker: `container.ReplaceOrAppendEnvValues`.
#[must_use]
pub fn lay_over<E: Entry>(mut defaults: Vec<E>, entries: Vec<E>) -> Vec<E> {
    let few = defaults.len();
    for entry in entries {
        let sets = entry.text().contains('=');
        let same = |old: &&mut E| key(old.text()) == key(entry.text());
        match (defaults.iter_mut().take(few).find(same), sets) {
            (Some(old), true) => old.replace(&entry),
            (Some(old), false) => old.unset(&entry),
            (None, true) => defaults.push(entry),
            (None, false) => {}
        }
    }
    defaults.retain(Entry::stays);
    defaults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(defaults: &[&str], overrides: &[&str]) -> Vec<String> {
        let own = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        merge(&own(defaults), &own(overrides))
    }

    #[test]
    fn replaces_the_last_default_in_place() {
        assert_eq!(merged(&["A=1", "B=2", "A=3"], &["A=9"]), ["A=1", "B=2", "A=9"]);
    }

    #[test]
    fn appends_what_is_new_as_often_as_it_comes() {
        assert_eq!(merged(&["A=1"], &["B=2", "B=3"]), ["A=1", "B=2", "B=3"]);
    }

    #[test]
    fn a_bare_key_removes_and_is_never_kept() {
        assert_eq!(merged(&["A=1", "B=2"], &["A", "C"]), ["B=2"]);
    }

    #[test]
    fn a_removed_default_can_be_set_again_in_its_place() {
        assert_eq!(merged(&["A=1", "B=2"], &["A", "A=3"]), ["A=3", "B=2"]);
    }

    #[test]
    fn requested_entries_come_before_the_images() {
        let own = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        let put = |requested: &[&str], image: &[&str]| put_before(&own(requested), own(image)).0;
        assert_eq!(put(&["C=3", "B=9"], &["A=1", "B=2"]), ["C=3", "B=9", "A=1"]);
        assert_eq!(put(&["B", "D"], &["A=1", "B=2", "B=3"]), ["B", "D", "A=1"]);
        assert_eq!(put(&[], &["A=1", "A=2"]), ["A=1", "A=2"]);
        assert_eq!(put(&["A=5", "C", "A=6", "C=1"], &["A=1"]), ["A=6", "C=1"]);
        assert_eq!(put(&["A=5", "A"], &["A=1"]), ["A"]);
    }

    #[test]
    fn entries_are_laid_over_defaults() {
        let own = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        let laid = |entries: &[&str]| lay_over(own(&["P=1", "H=2"]), own(entries));
        assert_eq!(laid(&["A=1", "H=3", "A=2", "B"]), ["P=1", "H=3", "A=1", "A=2"]);
        assert_eq!(laid(&["P", "A=1"]), ["H=2", "A=1"]);
        assert_eq!(laid(&["P=8", "P=9"]), ["P=9", "H=2"]);
    }

    #[test]
    fn odd_entries_are_kept_and_empty_ones_go() {
        assert_eq!(merged(&["NOEQ", "", "=x"], &["=y"]), ["NOEQ", "=y"]);
    }

    #[test]
    fn keys_differ_by_case() {
        assert_eq!(merged(&["a=1"], &["A=2"]), ["a=1", "A=2"]);
    }
}
