//! Which lookups run and which callers wait for them: the decisions, without tasks, channels and clocks.
//!
//! A lookup takes the callers that arrived before it begins, and no later one: an answer is never older than
//! the request. Later callers wait together for the next lookup, which begins when the running one has ended.

use std::collections::HashMap;
use std::hash::Hash;

/// For each name with a running lookup, the callers that wait for the next one.
#[derive(Debug, Clone)]
pub(super) struct Batches<K: Hash + Eq, B>(HashMap<K, Option<B>>);

impl<K: Hash + Eq, B> Default for Batches<K, B> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Hash + Eq, B> Batches<K, B> {
    /// The batch that waits for a name, which a caller joins. If the second value is true, the name has no task that runs
    /// its lookups, and the caller must start one.
    pub(super) fn join(&mut self, key: K, open: impl FnOnce() -> B) -> (&mut B, bool) {
        let mut must_start = false;
        let waiting = self.0.entry(key).or_insert_with(|| {
            must_start = true;
            None
        });
        (waiting.get_or_insert_with(open), must_start)
    }

    /// The batch that waits for a name, if there is one.
    pub(super) fn waiting(&self, key: &K) -> Option<&B> {
        self.0.get(key)?.as_ref()
    }

    /// The callers of the next lookup of a name, which begins now. If no caller waits, the name is forgotten,
    /// and its task must end.
    pub(super) fn begin(&mut self, key: &K) -> Option<B> {
        let batch = self.0.get_mut(key).and_then(Option::take);
        if batch.is_none() {
            self.0.remove(key);
        }
        batch
    }

    /// Whether no name has a task.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Forgets a name with the callers that wait: its task ended before its time.
    pub(super) fn abandon(&mut self, key: &K) -> Option<B> {
        self.0.remove(key).flatten()
    }
}
