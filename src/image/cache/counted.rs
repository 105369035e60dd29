//! A cache of bounded size that counts what it does, and remembers for a short time what was refused.

use crate::image::ImageError;
use moka::future::Cache;
use moka::notification::RemovalCause;
use moka::policy::EvictionPolicy;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// What an entry takes beside its own bytes: the key, the cache's bookkeeping, the allocator's rounding.
const OVERHEAD: usize = 512;

/// From this size on, in bytes, an entry is large: it makes room at once, and only among other large ones. Else a few of them
/// would replace a thousand small ones.
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

    fn is_large(&self) -> bool {
        self.weight >= LARGE
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
    /// Every entry. Of a large one it does not count the value.
    cache: Cache<K, Arc<Kept<V>>>,
    /// The large entries again, to bound their values.
    large: Cache<K, Arc<Kept<V>>>,
    refused: Cache<K, ImageError>,
    weight: fn(&V) -> usize,
    pub(super) counts: Arc<CacheCounts>,
}

impl<K, V> CountedCache<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// A cache of about so many bytes, one half for large entries and one half for all others.
    pub(super) fn new(bytes: u64, weight: fn(&V) -> usize) -> Self {
        let counts = Arc::<CacheCounts>::default();
        let half = |weigh: fn(&Kept<V>) -> u32| {
            let dropped = Arc::clone(&counts);
            Cache::builder()
                .max_capacity(bytes / 2)
                .weigher(move |_, kept: &Arc<Kept<V>>| weigh(kept))
                .eviction_policy(EvictionPolicy::lru())
                .eviction_listener(move |_, kept: Arc<Kept<V>>, cause| {
                    if kept.slot().take().is_some() {
                        dropped.drops(kept.weight, cause == RemovalCause::Size);
                    }
                })
                .build()
        };
        let cache = half(|kept| if kept.is_large() { weighed(0) } else { kept.weight });
        let large = half(|kept| kept.weight);
        let refused = Cache::builder()
            .max_capacity(REFUSED_BYTES)
            .weigher(|_, error: &ImageError| weighed(error.to_string().len() * 2))
            .time_to_live(REFUSED_FOR)
            .build();
        Self { cache, large, refused, weight, counts }
    }

    /// What is cached now.
    pub(super) async fn cached(&self, key: &K) -> Option<V> {
        let kept = self.cache.get(key).await?;
        let value = kept.value()?;
        if kept.is_large() {
            // It was used now.
            Box::pin(self.large.get(key)).await;
        }
        self.counts.hit();
        Some(value)
    }

    /// About how many bytes are cached now.
    pub(super) async fn bytes(&self) -> u64 {
        self.cache.run_pending_tasks().await;
        self.large.run_pending_tasks().await;
        self.cache.weighted_size() + self.large.weighted_size()
    }

    pub(super) async fn get<R>(&self, key: K, read: impl Fn() -> R) -> Result<V, ImageError>
    where
        R: Future<Output = Result<V, ImageError>>,
    {
        match self.cached(&key).await {
            Some(value) => Ok(value),
            // In a box, so that the future of a call that reads nothing is small.
            None => Box::pin(self.read(key, read)).await,
        }
    }

    async fn read<R>(&self, key: K, read: impl Fn() -> R) -> Result<V, ImageError>
    where
        R: Future<Output = Result<V, ImageError>>,
    {
        if let Some(refusal) = self.refused.get(&key).await {
            return Err(refusal);
        }
        loop {
            let read_here = OnceLock::new();
            let read = async {
                self.counts.missed();
                let value = read().await?;
                let _ = read_here.set(value.clone());
                let bytes = (self.weight)(&value);
                let kept = Kept::new(value, bytes);
                self.counts.holds(kept.weight);
                if kept.is_large() {
                    self.large.insert(key.clone(), Arc::clone(&kept)).await;
                    // It makes room now. The cache lets dozens of entries gather first.
                    self.large.run_pending_tasks().await;
                }
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
            if let Some(value) = read_here.into_inner() {
                return Ok(value);
            }
            let Some(value) = kept.value() else {
                // It has made room for another large entry.
                if self.cache.get(&key).await.is_some_and(|now| Arc::ptr_eq(&now, &kept)) {
                    self.cache.invalidate(&key).await;
                }
                continue;
            };
            self.counts.hit();
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
