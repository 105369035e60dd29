//! A cache of bounded size that counts what it does, and remembers for a short time what was refused.

use crate::image::ImageError;
use moka::future::Cache;
use moka::notification::RemovalCause;
use moka::policy::EvictionPolicy;
use std::hash::Hash;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What an entry takes beside its own bytes: the key, the cache's bookkeeping, the allocator's rounding.
const OVERHEAD: usize = 512;

/// From this size on, in bytes, an entry makes room at once.
const LARGE: u32 = 64 << 10;

/// How long the refusal of content is remembered.
const REFUSED_FOR: Duration = Duration::from_secs(10);

/// How many bytes the refusals of one cache may take.
const REFUSED_BYTES: u64 = 1 << 20;

/// A value of the cache. It is taken out when the entry is dropped: the cache itself frees entries later, dozens at a time.
struct Kept<V> {
    value: Mutex<Option<V>>,
    weight: u32,
}

impl<V: Clone> Kept<V> {
    fn new(value: V, bytes: usize) -> Arc<Self> {
        Arc::new(Self { value: Mutex::new(Some(value)), weight: weighed(bytes) })
    }

    /// The value, unless the entry was dropped.
    fn value(&self) -> Option<V> {
        self.slot().clone()
    }

    fn slot(&self) -> MutexGuard<'_, Option<V>> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of the caches, with its counters.
pub(super) struct CountedCache<K, V> {
    cache: Cache<K, Arc<Kept<V>>>,
    refused: Cache<K, ImageError>,
    weight: fn(&V) -> usize,
    pub(super) counts: Arc<CacheCounts>,
}

impl<K, V> CountedCache<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    pub(super) fn new(bytes: u64, weight: fn(&V) -> usize) -> Self {
        let counts = Arc::<CacheCounts>::default();
        let dropped = Arc::clone(&counts);
        let cache = Cache::builder()
            .max_capacity(bytes)
            .weigher(|_, kept: &Arc<Kept<V>>| kept.weight)
            .eviction_policy(EvictionPolicy::lru())
            .eviction_listener(move |_, kept, cause| {
                drop(kept.slot().take());
                dropped.drops(kept.weight, cause == RemovalCause::Size);
            })
            .build();
        let refused = Cache::builder()
            .max_capacity(REFUSED_BYTES)
            .weigher(|_, error: &ImageError| weighed(error.to_string().len() * 2))
            .time_to_live(REFUSED_FOR)
            .build();
        Self { cache, refused, weight, counts }
    }

    /// What is cached now.
    pub(super) async fn cached(&self, key: &K) -> Option<V> {
        let value = self.cache.get(key).await?.value()?;
        self.counts.hit();
        Some(value)
    }

    /// About how many bytes are cached now.
    pub(super) async fn bytes(&self) -> u64 {
        self.cache.run_pending_tasks().await;
        self.cache.weighted_size()
    }

    pub(super) async fn get<R>(&self, key: K, read: impl Fn() -> R) -> Result<V, ImageError>
    where
        R: Future<Output = Result<V, ImageError>>,
    {
        if let Some(value) = self.cached(&key).await {
            return Ok(value);
        }
        if let Some(refusal) = self.refused.get(&key).await {
            return Err(refusal);
        }
        loop {
            let is_read_here = AtomicBool::new(false);
            let read = async {
                is_read_here.store(true, Ordering::Relaxed);
                self.counts.missed();
                let value = read().await?;
                let bytes = (self.weight)(&value);
                let kept = Kept::new(value, bytes);
                self.counts.holds(kept.weight);
                Ok(kept)
            };
            let answer: Result<_, Arc<ImageError>> =
                self.cache.try_get_with_by_ref(&key, read).await;
            let kept = match answer.map_err(Arc::unwrap_or_clone) {
                Ok(kept) => kept,
                Err(error) => {
                    if error.is_lasting() {
                        self.refused.insert(key, error.clone()).await;
                    }
                    return Err(error);
                }
            };
            // Else it was dropped again before this call was here.
            let Some(value) = kept.value() else { continue };
            if !is_read_here.load(Ordering::Relaxed) {
                self.counts.hit();
            } else if kept.weight >= LARGE {
                // It makes room now. The cache lets dozens of entries gather first.
                self.cache.run_pending_tasks().await;
            }
            return Ok(value);
        }
    }
}

fn weighed(bytes: usize) -> u32 {
    u32::try_from(bytes + OVERHEAD).unwrap_or(u32::MAX)
}

/// The counters of one cache.
#[derive(Debug, Default)]
pub struct CacheCounts {
    hits: AtomicU64,
    misses: AtomicU64,
    evictions: AtomicU64,
    bytes: AtomicU64,
}

impl CacheCounts {
    /// Answers that needed no read of their own, also those that waited for the read of another call.
    pub fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }

    /// Reads that were started.
    pub fn misses(&self) -> u64 {
        self.misses.load(Ordering::Relaxed)
    }

    /// Entries that were dropped to make room.
    pub fn evictions(&self) -> u64 {
        self.evictions.load(Ordering::Relaxed)
    }

    /// About how many bytes are held.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    fn hit(&self) {
        self.hits.fetch_add(1, Ordering::Relaxed);
    }

    fn missed(&self) {
        self.misses.fetch_add(1, Ordering::Relaxed);
    }

    fn holds(&self, bytes: u32) {
        self.bytes.fetch_add(bytes.into(), Ordering::Relaxed);
    }

    fn drops(&self, bytes: u32, for_room: bool) {
        self.bytes.fetch_sub(bytes.into(), Ordering::Relaxed);
        if for_room {
            self.evictions.fetch_add(1, Ordering::Relaxed);
        }
    }
}
