//! Caches what was read by digest: descriptions, and account files by chain ID and layers.
//!
//! The chain ID alone is not a safe key: it is what the image's configuration claims, and here it has not
//! been compared with the bytes of the layers. An image that claims the chain ID of another image and
//! brings its own layers would replace the other's `/etc/passwd`.
//!
//! The bytes of a digest never change, so no entry becomes stale. Namespaces are kept apart all the same:
//! a blob that can be read in one namespace need not exist in another.
//!
//! Invariant: an error of the store is never cached, and a name is never a key. That content is refused is
//! remembered for a few seconds, so that a hostile image is not read again by every call.

mod counted;

use crate::domain::ids::{Namespace, Snapshotter};
use crate::image::digest::Digest;
use crate::image::metadata::config::ContainerConfig;
use crate::image::platform::Platform;
use crate::image::snapshot::key::SnapshotChoice;
use crate::image::{AccountFiles, Description, Descriptor, ImageError, ImageReader, NeededFiles};
use crate::store::Deadline;
use async_trait::async_trait;
use bytes::Bytes;
use std::mem::size_of;
use std::sync::Arc;

pub use counted::CacheCounts;
use counted::CountedCache;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct DescriptionKey {
    namespace: Namespace,
    target: Digest,
    /// The same bytes are refused under another media type.
    media_type: String,
    platform: Platform,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct FilesKey {
    namespace: Namespace,
    chain_id: Digest,
    /// The digest of the layers.
    layers: [u8; 32],
    source: FilesSource,
    passwd: bool,
    group: bool,
}

/// Where account files come from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum FilesSource {
    /// The layers, whatever snapshotter a request names.
    Layers,
    /// The snapshot of this snapshotter, or of the default one.
    Snapshot(Option<Snapshotter>),
}

/// An [`ImageReader`] that caches what another one reads.
///
/// Calls for the same thing at the same time share one read. If the call that reads is dropped, one of
/// those that wait reads instead.
pub struct CachedReader<R> {
    reader: R,
    descriptions: CountedCache<DescriptionKey, Arc<Description>>,
    files: CountedCache<FilesKey, Arc<AccountFiles>>,
}

impl<R: ImageReader> CachedReader<R> {
    /// A cache of about so many bytes, one half for descriptions and one half for account files.
    pub fn new(reader: R, bytes: u64) -> Self {
        let half = bytes / 2;
        Self {
            reader,
            descriptions: CountedCache::new(half, |image| description_bytes(image)),
            files: CountedCache::new(half, |files| size_of::<AccountFiles>() + files.bytes()),
        }
    }

    /// The counters of both caches, each under its name: `description` and `accounts`.
    pub fn counts(&self) -> [(&'static str, Arc<CacheCounts>); 2] {
        let (descriptions, files) = (&self.descriptions.counts, &self.files.counts);
        [("description", Arc::clone(descriptions)), ("accounts", Arc::clone(files))]
    }

    /// About how many bytes are cached now.
    pub async fn bytes(&self) -> u64 {
        self.descriptions.bytes().await + self.files.bytes().await
    }
}

fn description_bytes(image: &Description) -> usize {
    let digests = image.config.diff_ids.len() + 3;
    size_of::<Description>()
        + image.config.container.as_ref().map_or(0, container_bytes)
        + digests * (size_of::<Digest>() + 80)
        + image.layers.iter().map(descriptor_bytes).sum::<usize>()
}

fn descriptor_bytes(blob: &Descriptor) -> usize {
    size_of::<Descriptor>()
        + blob.media_type.len()
        + blob.digest.as_str().len()
        + blob.data.as_ref().map_or(0, Bytes::len)
}

fn container_bytes(config: &ContainerConfig) -> usize {
    config.texts().map(|text| size_of::<String>() + 16 + text.len()).sum()
}

#[async_trait]
impl<R: ImageReader> ImageReader for CachedReader<R> {
    async fn describe(
        &self,
        namespace: &Namespace,
        target: &Descriptor,
        platform: &Platform,
        deadline: Deadline,
    ) -> Result<Arc<Description>, ImageError> {
        let key = DescriptionKey {
            namespace: namespace.clone(),
            target: target.digest.clone(),
            media_type: target.media_type.clone(),
            platform: platform.clone().normalized(),
        };
        let read = async || self.reader.describe(namespace, target, platform, deadline).await;
        self.descriptions.get(key, read).await
    }

    /// Not cached: an image without a chain ID, which has no layers, and a snapshot that was chosen, which may
    /// be a container's own and change.
    async fn read_account_files(
        &self,
        namespace: &Namespace,
        image: &Description,
        needed: NeededFiles,
        from: &SnapshotChoice,
        deadline: Deadline,
    ) -> Result<Arc<AccountFiles>, ImageError> {
        let read =
            async || self.reader.read_account_files(namespace, image, needed, from, deadline).await;
        let (Some(chain_id), None) = (image.chain_id.clone(), &from.key) else {
            return read().await;
        };
        let NeededFiles { passwd, group } = needed;
        let layers = image.layers_digest;
        let snapshotter = from.snapshotter.as_ref();
        let source = FilesSource::Layers;
        let of_layers =
            FilesKey { namespace: namespace.clone(), chain_id, layers, source, passwd, group };
        if let Some(files) = self.files.cached(&of_layers).await {
            return Ok(files);
        }
        let source = FilesSource::Snapshot(snapshotter.cloned());
        let of_snapshot = FilesKey { source, ..of_layers.clone() };
        if let Some(files) = self.files.cached(&of_snapshot).await {
            return Ok(files);
        }
        let read = async || self.reader.read_layers(namespace, image, needed, deadline).await;
        match self.files.get(of_layers, read).await {
            Err(error) if error.is_for_snapshot() => {
                let reader = &self.reader;
                let read = async || {
                    reader
                        .read_unpacked(
                            namespace,
                            image,
                            needed,
                            snapshotter,
                            error.clone(),
                            deadline,
                        )
                        .await
                };
                self.files.get(of_snapshot, read).await
            }
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::metadata::config::ImageConfig;
    use crate::image::reader::layers_digest;
    use crate::image::snapshot::key::SnapshotKey;
    use crate::store::StoreError;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;
    use tokio::sync::Semaphore;

    /// Counts its reads; each takes a permit of the gate, and the first `failing` fail.
    struct Counting {
        reads: AtomicUsize,
        failing: usize,
        gate: Semaphore,
        passwd: Bytes,
    }

    impl Counting {
        fn new(failing: usize, permits: usize, passwd: usize) -> Arc<Self> {
            let passwd = vec![b'x'; passwd].into();
            Arc::new(Self {
                reads: AtomicUsize::new(0),
                failing,
                gate: Semaphore::new(permits),
                passwd,
            })
        }

        fn reads(&self) -> usize {
            self.reads.load(Ordering::SeqCst)
        }

        async fn read(&self) -> Result<(), ImageError> {
            let read = self.reads.fetch_add(1, Ordering::SeqCst);
            self.gate.acquire().await.unwrap().forget();
            if read < self.failing {
                return Err(ImageError::Store(StoreError::Unavailable("down".to_owned())));
            }
            Ok(())
        }
    }

    #[async_trait]
    impl ImageReader for Arc<Counting> {
        async fn describe(
            &self,
            _namespace: &Namespace,
            target: &Descriptor,
            _platform: &Platform,
            _deadline: Deadline,
        ) -> Result<Arc<Description>, ImageError> {
            self.read().await?;
            Ok(Arc::new(image(&target.digest, Some(target.digest.clone()))))
        }

        async fn read_account_files(
            &self,
            _namespace: &Namespace,
            _image: &Description,
            needed: NeededFiles,
            _from: &SnapshotChoice,
            _deadline: Deadline,
        ) -> Result<Arc<AccountFiles>, ImageError> {
            self.read().await?;
            let passwd = needed.passwd.then(|| self.passwd.clone());
            Ok(Arc::new(AccountFiles { passwd, group: None }))
        }
    }

    fn image(digest: &Digest, chain_id: Option<Digest>) -> Description {
        Description {
            manifest_digest: digest.clone(),
            config_digest: digest.clone(),
            config: ImageConfig::default(),
            layers_digest: layers_digest(&[blob(digest)]),
            layers: vec![blob(digest)],
            chain_id,
        }
    }

    fn digest(number: usize) -> Digest {
        Digest::parse(&format!("sha256:{number:064x}")).unwrap()
    }

    fn blob(digest: &Digest) -> Descriptor {
        let (media_type, digest) = (String::new(), digest.clone());
        Descriptor { media_type, digest, size: 1, data: None, platform: None }
    }

    fn namespace(name: &str) -> Namespace {
        Namespace::parse(name).unwrap()
    }

    const PASSWD: NeededFiles = NeededFiles { passwd: true, group: false };
    const IMAGE: SnapshotChoice = SnapshotChoice { snapshotter: None, key: None };
    const MIB: u64 = 1 << 20;

    async fn read(
        cached: &CachedReader<Arc<Counting>>,
        name: &str,
        image: &Description,
        needed: NeededFiles,
        from: &SnapshotChoice,
    ) -> Result<Arc<AccountFiles>, ImageError> {
        cached.read_account_files(&namespace(name), image, needed, from, Deadline::NONE).await
    }

    #[tokio::test]
    async fn a_hundred_calls_are_one_read() {
        let counting = Counting::new(0, 0, 0);
        let cached = Arc::new(CachedReader::new(Arc::clone(&counting), MIB));
        let calls: Vec<_> = (0..100)
            .map(|_| {
                let cached = Arc::clone(&cached);
                tokio::spawn(async move {
                    let platform = Platform::new("linux", "amd64", "");
                    cached
                        .describe(&namespace("a"), &blob(&digest(1)), &platform, Deadline::NONE)
                        .await
                })
            })
            .collect();
        tokio::task::yield_now().await;
        counting.gate.add_permits(100);
        for call in calls {
            assert_eq!(call.await.unwrap().unwrap().manifest_digest, digest(1));
        }
        assert_eq!(counting.reads(), 1);
    }

    #[tokio::test]
    async fn what_differs_is_read_apart() {
        let counting = Counting::new(0, 100, 0);
        let cached = CachedReader::new(Arc::clone(&counting), MIB);
        let amd64 = Platform::new("linux", "amd64", "");
        let arm64 = Platform::new("linux", "arm64", "");
        let x86_64 =
            Platform { architecture: "x86_64".into(), variant: "v1".into(), ..amd64.clone() };
        let other_type = Descriptor { media_type: "other".to_owned(), ..blob(&digest(1)) };
        for (name, target, platform, reads) in [
            ("a", blob(&digest(1)), &amd64, 1),
            ("a", blob(&digest(1)), &amd64, 1),
            ("a", blob(&digest(1)), &x86_64, 1),
            ("b", blob(&digest(1)), &amd64, 2),
            ("a", blob(&digest(2)), &amd64, 3),
            ("a", blob(&digest(1)), &arm64, 4),
            ("a", other_type, &amd64, 5),
        ] {
            cached.describe(&namespace(name), &target, platform, Deadline::NONE).await.unwrap();
            assert_eq!(counting.reads(), reads, "{name} {target:?} {platform}");
        }
    }

    #[tokio::test]
    async fn files_are_remembered_by_chain_id_and_layers() {
        let counting = Counting::new(0, 100, 3);
        let cached = CachedReader::new(Arc::clone(&counting), MIB);
        let own = image(&digest(1), Some(digest(9)));
        let same_layers = Description { config_digest: digest(3), ..own.clone() };
        let claims_the_same = image(&digest(2), Some(digest(9)));
        let both = NeededFiles { passwd: true, group: true };
        for (name, image, needed, reads) in [
            ("a", &own, PASSWD, 1),
            ("a", &own, PASSWD, 1),
            ("a", &same_layers, PASSWD, 1),
            ("a", &claims_the_same, PASSWD, 2),
            ("b", &own, PASSWD, 3),
            ("a", &own, both, 4),
        ] {
            let files = read(&cached, name, image, needed, &IMAGE).await.unwrap();
            assert_eq!(files.passwd.as_deref(), Some(&b"xxx"[..]));
            assert_eq!(counting.reads(), reads);
        }
    }

    #[tokio::test]
    async fn a_snapshot_that_was_chosen_is_not_remembered() {
        let counting = Counting::new(0, 100, 3);
        let cached = CachedReader::new(Arc::clone(&counting), MIB);
        let own = image(&digest(1), Some(digest(9)));
        let snapshotter = Some(Snapshotter::parse("overlayfs").unwrap());
        let from = SnapshotChoice { snapshotter, key: None };
        let key = Some(SnapshotKey::parse("web-1").unwrap());
        let chosen = SnapshotChoice { snapshotter: None, key };
        for (from, reads) in [(&IMAGE, 1), (&from, 1), (&from, 1), (&chosen, 2), (&chosen, 3)] {
            read(&cached, "a", &own, PASSWD, from).await.unwrap();
            assert_eq!(counting.reads(), reads, "{from:?}");
        }
    }

    #[tokio::test]
    async fn an_image_without_layers_is_not_remembered() {
        let counting = Counting::new(0, 100, 0);
        let cached = CachedReader::new(Arc::clone(&counting), MIB);
        for reads in 1..=2 {
            read(&cached, "a", &image(&digest(1), None), PASSWD, &IMAGE).await.unwrap();
            assert_eq!(counting.reads(), reads);
        }
    }

    #[tokio::test]
    async fn errors_are_not_remembered() {
        let counting = Counting::new(2, 100, 0);
        let cached = CachedReader::new(Arc::clone(&counting), MIB);
        let own = image(&digest(1), Some(digest(9)));
        let down = ImageError::Store(StoreError::Unavailable("down".to_owned()));
        for _ in 0..2 {
            assert_eq!(read(&cached, "a", &own, PASSWD, &IMAGE).await, Err(down.clone()));
        }
        assert!(read(&cached, "a", &own, PASSWD, &IMAGE).await.is_ok());
        assert_eq!(counting.reads(), 3);
    }

    /// Reads that are refused: the content is bad.
    struct Refusing(AtomicUsize, ImageError);

    #[async_trait]
    impl ImageReader for Arc<Refusing> {
        async fn describe(
            &self,
            _namespace: &Namespace,
            _target: &Descriptor,
            _platform: &Platform,
            _deadline: Deadline,
        ) -> Result<Arc<Description>, ImageError> {
            self.0.fetch_add(1, Ordering::SeqCst);
            Err(self.1.clone())
        }

        async fn read_account_files(
            &self,
            _namespace: &Namespace,
            _image: &Description,
            _needed: NeededFiles,
            _from: &SnapshotChoice,
            _deadline: Deadline,
        ) -> Result<Arc<AccountFiles>, ImageError> {
            self.0.fetch_add(1, Ordering::SeqCst);
            Err(self.1.clone())
        }
    }

    #[tokio::test]
    async fn that_content_is_refused_is_remembered_by_namespace() {
        let limit = ImageError::Limit { what: "x".to_owned(), limit: 1, unit: "names" };
        let refusing = Arc::new(Refusing(AtomicUsize::new(0), limit.clone()));
        let cached = CachedReader::new(Arc::clone(&refusing), MIB);
        let platform = Platform::new("linux", "amd64", "");
        let own = image(&digest(1), Some(digest(9)));
        for (name, reads) in [("a", 2), ("a", 2), ("b", 4), ("a", 4)] {
            let (namespace, target) = (namespace(name), blob(&digest(1)));
            let described = cached.describe(&namespace, &target, &platform, Deadline::NONE).await;
            assert_eq!(described, Err(limit.clone()));
            let read =
                cached.read_account_files(&namespace, &own, PASSWD, &IMAGE, Deadline::NONE).await;
            assert_eq!(read, Err(limit.clone()));
            assert_eq!(refusing.0.load(Ordering::SeqCst), reads, "{name}");
        }
    }

    /// An image that only snapshots have.
    struct Unpacked(AtomicUsize, AtomicUsize);

    #[async_trait]
    impl ImageReader for Arc<Unpacked> {
        async fn describe(
            &self,
            _namespace: &Namespace,
            target: &Descriptor,
            _platform: &Platform,
            _deadline: Deadline,
        ) -> Result<Arc<Description>, ImageError> {
            Ok(Arc::new(image(&target.digest, None)))
        }

        async fn read_account_files(
            &self,
            _namespace: &Namespace,
            _image: &Description,
            _needed: NeededFiles,
            _from: &SnapshotChoice,
            _deadline: Deadline,
        ) -> Result<Arc<AccountFiles>, ImageError> {
            self.0.fetch_add(1, Ordering::SeqCst);
            Err(StoreError::BlobAbsent { digest: digest(1) }.into())
        }

        async fn read_unpacked(
            &self,
            _namespace: &Namespace,
            _image: &Description,
            _needed: NeededFiles,
            snapshotter: Option<&Snapshotter>,
            layers: ImageError,
            _deadline: Deadline,
        ) -> Result<Arc<AccountFiles>, ImageError> {
            assert!(layers.is_for_snapshot());
            self.1.fetch_add(1, Ordering::SeqCst);
            let name = snapshotter.map_or("default", Snapshotter::as_str).to_owned();
            Ok(Arc::new(AccountFiles { passwd: Some(name.into()), group: None }))
        }
    }

    #[tokio::test]
    async fn what_a_snapshot_has_is_remembered_by_snapshotter() {
        let unpacked = Arc::new(Unpacked(AtomicUsize::new(0), AtomicUsize::new(0)));
        let cached = CachedReader::new(Arc::clone(&unpacked), MIB);
        let own = image(&digest(1), Some(digest(9)));
        let named = Some(Snapshotter::parse("nydus").unwrap());
        let nydus = SnapshotChoice { snapshotter: named, key: None };
        for (from, name, reads) in [(&IMAGE, "default", 1), (&nydus, "nydus", 2)] {
            for _ in 0..3 {
                let namespace = namespace("a");
                let read =
                    cached.read_account_files(&namespace, &own, PASSWD, from, Deadline::NONE);
                assert_eq!(read.await.unwrap().passwd.as_deref(), Some(name.as_bytes()));
                let counts = (unpacked.0.load(Ordering::SeqCst), unpacked.1.load(Ordering::SeqCst));
                assert_eq!(counts, (reads, reads), "{name}");
            }
        }
    }

    /// The call that reads may be dropped; those that wait must still be answered.
    #[tokio::test]
    async fn a_dropped_leader_is_replaced() {
        let counting = Counting::new(0, 0, 3);
        let cached = Arc::new(CachedReader::new(Arc::clone(&counting), MIB));
        let call = || {
            let cached = Arc::clone(&cached);
            let own = image(&digest(1), Some(digest(9)));
            tokio::spawn(async move { read(&cached, "a", &own, PASSWD, &IMAGE).await })
        };
        let leader = call();
        while counting.reads() == 0 {
            tokio::task::yield_now().await;
        }
        let followers: Vec<_> = (0..10).map(|_| call()).collect();
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        leader.abort();
        assert!(leader.await.unwrap_err().is_cancelled());
        counting.gate.add_permits(100);
        for follower in followers {
            let files = tokio::time::timeout(Duration::from_secs(60), follower).await;
            assert_eq!(files.unwrap().unwrap().unwrap().passwd.as_deref(), Some(&b"xxx"[..]));
        }
        assert_eq!(counting.reads(), 2);
    }

    #[tokio::test]
    async fn no_more_is_kept_than_allowed() {
        let counting = Counting::new(0, 1000, 10_000);
        let cached = CachedReader::new(Arc::clone(&counting), 100_000);
        for number in 0..50 {
            let own = image(&digest(number), Some(digest(number)));
            read(&cached, "a", &own, PASSWD, &IMAGE).await.unwrap();
            let bytes = cached.bytes().await;
            assert!((10_000..=50_000).contains(&bytes), "{bytes}");
        }
        let newest = image(&digest(49), Some(digest(49)));
        read(&cached, "a", &newest, PASSWD, &IMAGE).await.unwrap();
        assert_eq!(counting.reads(), 50);
        let oldest = image(&digest(0), Some(digest(0)));
        read(&cached, "a", &oldest, PASSWD, &IMAGE).await.unwrap();
        assert_eq!(counting.reads(), 51);
    }

    #[tokio::test]
    async fn large_entries_are_freed_at_once() {
        let counting = Counting::new(0, 1000, 100_000);
        let cached = CachedReader::new(Arc::clone(&counting), MIB);
        let mut read_before = Vec::new();
        for number in 0..50 {
            let own = image(&digest(number), Some(digest(number)));
            let files = read(&cached, "a", &own, PASSWD, &IMAGE).await.unwrap();
            read_before.push(Arc::downgrade(&files));
            drop(files);
            let held = read_before.iter().filter(|files| files.strong_count() > 0).count();
            assert!(held <= 5, "{held} of {number}");
        }
    }

    #[tokio::test]
    async fn large_entries_make_room_among_themselves_alone() {
        let counting = Counting::new(0, 1000, 150_000);
        let cached = CachedReader::new(Arc::clone(&counting), MIB);
        let groups = NeededFiles { passwd: false, group: true };
        let own = image(&digest(0), Some(digest(0)));
        // The group file of these images is small.
        read(&cached, "a", &own, groups, &IMAGE).await.unwrap();
        for number in 1..50 {
            let other = image(&digest(number), Some(digest(number)));
            read(&cached, "a", &other, PASSWD, &IMAGE).await.unwrap();
        }
        read(&cached, "a", &own, groups, &IMAGE).await.unwrap();
        assert_eq!(counting.reads(), 50);
    }

    #[tokio::test]
    async fn what_does_not_fit_is_read_each_time() {
        let counting = Counting::new(0, 1000, 1 << 20);
        let cached = CachedReader::new(Arc::clone(&counting), MIB);
        let own = image(&digest(0), Some(digest(0)));
        for reads in 1..=3 {
            read(&cached, "a", &own, PASSWD, &IMAGE).await.unwrap();
            assert_eq!(counting.reads(), reads);
            assert_eq!(cached.counts()[1].1.bytes(), 0);
        }
    }

    #[tokio::test]
    async fn what_is_found_read_held_and_dropped_is_counted() {
        let counting = Counting::new(1, 1000, 10_000);
        let cached = CachedReader::new(Arc::clone(&counting), 100_000);
        let [(_, descriptions), (_, files)] = cached.counts();
        let own = image(&digest(0), Some(digest(0)));
        assert!(read(&cached, "a", &own, PASSWD, &IMAGE).await.is_err());
        assert_eq!((files.hits(), files.misses(), files.bytes()), (0, 1, 0));
        for _ in 0..3 {
            read(&cached, "a", &own, PASSWD, &IMAGE).await.unwrap();
        }
        assert_eq!((files.hits(), files.misses(), files.evictions()), (2, 2, 0));
        for number in 0..20 {
            let own = image(&digest(number), Some(digest(number)));
            read(&cached, "a", &own, PASSWD, &IMAGE).await.unwrap();
            assert_eq!(cached.bytes().await, files.bytes());
        }
        assert!((10..20).contains(&files.evictions()), "{}", files.evictions());
        assert_eq!((descriptions.hits(), descriptions.misses(), descriptions.bytes()), (0, 0, 0));
    }

    #[test]
    fn a_description_weighs_its_strings() {
        let mut own = image(&digest(1), None);
        let before = description_bytes(&own);
        let labels = [("k".repeat(100), "v".repeat(1000))].into();
        let env = Some(vec!["e".repeat(500)]);
        own.config.container = Some(ContainerConfig { labels, env, ..Default::default() });
        assert!(description_bytes(&own) >= before + 1600);
    }
}
