//! How well a cache does: what was found, what was read, what was dropped, what is held.

use std::sync::atomic::{AtomicU64, Ordering};

/// The counts of one cache.
#[derive(Debug, Default)]
pub struct Tally {
    hits: AtomicU64,
    misses: AtomicU64,
    evictions: AtomicU64,
    bytes: AtomicU64,
}

impl Tally {
    /// Answers that came without reading, those included that another call was reading.
    pub fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }

    /// Reads that were begun.
    pub fn misses(&self) -> u64 {
        self.misses.load(Ordering::Relaxed)
    }

    /// Entries that were dropped to make room.
    pub fn evictions(&self) -> u64 {
        self.evictions.load(Ordering::Relaxed)
    }

    /// The bytes held, about.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(super) fn hit(&self) {
        self.hits.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn missed(&self) {
        self.misses.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn holds(&self, bytes: u32) {
        self.bytes.fetch_add(bytes.into(), Ordering::Relaxed);
    }

    pub(super) fn drops(&self, bytes: u32, for_room: bool) {
        self.bytes.fetch_sub(bytes.into(), Ordering::Relaxed);
        if for_room {
            self.evictions.fetch_add(1, Ordering::Relaxed);
        }
    }
}
