//! An image reader that reads a snapshot if the layers are gone, or are no archives.
//!
//! The layers come first, since they need no access to the host. Nodes may discard them once they are
//! unpacked, lazy snapshotters never fetch them, and some have formats of their own.

use crate::domain::ids::{Namespace, Snapshotter};
use crate::image::platform::Platform;
use crate::image::snapshot::files::SnapshotFiles;
use crate::image::snapshot::key::{SnapshotChoice, SnapshotKey};
use crate::image::{AccountFiles, Description, Descriptor, ImageError, ImageReader, NeededFiles};
use crate::store::{Deadline, SnapshotError, StoreError};
use async_trait::async_trait;
use std::sync::Arc;

/// An [`ImageReader`] that reads a snapshot if another reader lacks the layers, or if a snapshot is chosen.
pub struct SnapshotFallback<R> {
    layers: R,
    snapshots: Arc<SnapshotFiles>,
}

impl<R: ImageReader> SnapshotFallback<R> {
    /// Reads from `layers` first, then from `snapshots`.
    pub fn new(layers: R, snapshots: Arc<SnapshotFiles>) -> Self {
        Self { layers, snapshots }
    }
}

#[async_trait]
impl<R: ImageReader> ImageReader for SnapshotFallback<R> {
    async fn describe(
        &self,
        namespace: &Namespace,
        target: &Descriptor,
        platform: &Platform,
        deadline: Deadline,
    ) -> Result<Arc<Description>, ImageError> {
        self.layers.describe(namespace, target, platform, deadline).await
    }

    async fn read_account_files(
        &self,
        namespace: &Namespace,
        image: &Description,
        needed: NeededFiles,
        from: &SnapshotChoice,
        deadline: Deadline,
    ) -> Result<Arc<AccountFiles>, ImageError> {
        let snapshotter = from.snapshotter.as_ref();
        if let Some(key) = &from.key {
            let read = self.snapshots.read(namespace, snapshotter, key, needed, deadline);
            return read.await.map(Arc::new);
        }
        match self.read_layers(namespace, image, needed, deadline).await {
            Err(layers) if layers.is_for_snapshot() => {
                self.read_unpacked(namespace, image, needed, snapshotter, layers, deadline).await
            }
            other => other,
        }
    }

    async fn read_layers(
        &self,
        namespace: &Namespace,
        image: &Description,
        needed: NeededFiles,
        deadline: Deadline,
    ) -> Result<Arc<AccountFiles>, ImageError> {
        self.layers.read_layers(namespace, image, needed, deadline).await
    }

    async fn read_unpacked(
        &self,
        namespace: &Namespace,
        image: &Description,
        needed: NeededFiles,
        snapshotter: Option<&Snapshotter>,
        layers: ImageError,
        deadline: Deadline,
    ) -> Result<Arc<AccountFiles>, ImageError> {
        let chain_id = image.chain_id.as_ref().and_then(|id| SnapshotKey::parse(id.as_str()).ok());
        let Some(key) = chain_id else { return Err(layers) };
        match self.snapshots.read(namespace, snapshotter, &key, needed, deadline).await {
            Err(ImageError::Snapshot(snapshot)) => Err(with_snapshot(layers, snapshot)),
            other => other.map(Arc::new),
        }
    }
}

/// The error of a layer, with the reason why the snapshot does not help.
fn with_snapshot(layer: ImageError, snapshot: SnapshotError) -> ImageError {
    if let ImageError::Store(StoreError::BlobAbsent { digest }) = layer {
        return ImageError::LayerAbsent { digest, snapshot };
    }
    if let ImageError::LayerUnreadable { digest, media_type, .. } = layer {
        return ImageError::LayerUnreadable { digest, media_type, snapshot };
    }
    layer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::digest::Digest;
    use crate::image::metadata::config::ImageConfig;
    use crate::image::snapshot::files::SnapshotRules;
    use crate::store::{HeldSnapshot, Mount, SnapshotHold, SnapshotStore};
    use bytes::Bytes;
    use std::path::PathBuf;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    const PASSWD: NeededFiles = NeededFiles { passwd: true, group: false };

    fn digest(letter: &str) -> Digest {
        Digest::parse(&format!("sha256:{}", letter.repeat(64))).unwrap()
    }

    fn files(text: &'static str) -> AccountFiles {
        AccountFiles { passwd: Some(Bytes::from_static(text.as_bytes())), group: None }
    }

    fn absent() -> ImageError {
        ImageError::Store(StoreError::BlobAbsent { digest: digest("a") })
    }

    /// Layers with this answer, always the same.
    struct Layers(Result<AccountFiles, ImageError>);

    #[async_trait]
    impl ImageReader for Layers {
        async fn describe(
            &self,
            _: &Namespace,
            _: &Descriptor,
            _: &Platform,
            _: Deadline,
        ) -> Result<Arc<Description>, ImageError> {
            Ok(Arc::new(image()))
        }

        async fn read_account_files(
            &self,
            _: &Namespace,
            _: &Description,
            _: NeededFiles,
            _: &SnapshotChoice,
            _: Deadline,
        ) -> Result<Arc<AccountFiles>, ImageError> {
            self.0.clone().map(Arc::new)
        }
    }

    /// Snapshots that are all one directory.
    #[derive(Default)]
    struct Snapshots {
        directory: PathBuf,
        /// What the snapshotter and the key of each were.
        asked: Mutex<Vec<(String, String)>>,
        refusal: Option<SnapshotError>,
        vanishes: bool,
        held: Arc<AtomicUsize>,
        /// The largest number that was held at a time.
        most: AtomicUsize,
    }

    struct Counted(Arc<AtomicUsize>, bool);

    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }

    #[async_trait]
    impl SnapshotHold for Counted {
        async fn release(self: Box<Self>) -> Result<(), SnapshotError> {
            let gone = SnapshotError::Store(StoreError::Unavailable("gone".to_owned()));
            if self.1 { Err(gone) } else { Ok(()) }
        }
    }

    #[async_trait]
    impl SnapshotStore for Snapshots {
        async fn hold(
            &self,
            _: &Namespace,
            snapshotter: &Snapshotter,
            key: &SnapshotKey,
            _: Deadline,
        ) -> Result<HeldSnapshot, SnapshotError> {
            self.asked.lock().unwrap().push((snapshotter.to_string(), key.to_string()));
            if let Some(refusal) = self.refusal.clone() {
                return Err(refusal);
            }
            let held = self.held.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(held, Ordering::SeqCst);
            let mount = Mount {
                kind: "bind".to_owned(),
                source: self.directory.display().to_string(),
                target: String::new(),
                options: Vec::new(),
            };
            let hold = Counted(Arc::clone(&self.held), self.vanishes);
            Ok(HeldSnapshot { mounts: vec![mount], hold: Box::new(hold) })
        }
    }

    fn image() -> Description {
        Description {
            manifest_digest: digest("b"),
            config_digest: digest("c"),
            config: ImageConfig::default(),
            layers: Vec::new(),
            layers_digest: [0; 32],
            chain_id: Some(digest("d")),
        }
    }

    /// A snapshot with a passwd of its own.
    fn unpacked() -> (tempfile::TempDir, Snapshots) {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("fs");
        std::fs::create_dir_all(directory.join("etc")).unwrap();
        std::fs::write(directory.join("etc/passwd"), "unpacked").unwrap();
        (root, Snapshots { directory, ..Snapshots::default() })
    }

    async fn read(
        layers: Result<AccountFiles, ImageError>,
        snapshots: &Arc<Snapshots>,
        root: Option<&tempfile::TempDir>,
        from: SnapshotChoice,
    ) -> Result<AccountFiles, ImageError> {
        let rules = SnapshotRules {
            root: root.map(|root| root.path().to_owned()),
            snapshotter: Snapshotter::parse("default").unwrap(),
            timeout: Duration::from_secs(60),
        };
        let snapshots: Arc<dyn SnapshotStore> = Arc::<Snapshots>::clone(snapshots);
        let files = Arc::new(SnapshotFiles::new(snapshots, rules));
        let reader = SnapshotFallback::new(Layers(layers), files);
        let namespace = Namespace::parse("n").unwrap();
        reader
            .read_account_files(&namespace, &image(), PASSWD, &from, Deadline::NONE)
            .await
            .map(Arc::unwrap_or_clone)
    }

    fn chosen(snapshotter: Option<&str>, key: Option<&str>) -> SnapshotChoice {
        SnapshotChoice {
            snapshotter: snapshotter.map(|text| Snapshotter::parse(text).unwrap()),
            key: key.map(|text| SnapshotKey::parse(text).unwrap()),
        }
    }

    #[tokio::test]
    async fn the_layers_answer_where_they_can() {
        let (root, snapshots) = unpacked();
        let snapshots = Arc::new(snapshots);
        for answer in [
            Ok(files("layers")),
            Err(ImageError::Store(StoreError::Unavailable("gone".to_owned()))),
            Err(ImageError::File { path: "/etc/passwd".to_owned(), reason: "is odd".to_owned() }),
        ] {
            let got = read(answer.clone(), &snapshots, Some(&root), chosen(Some("x"), None)).await;
            assert_eq!(got, answer);
        }
        assert!(snapshots.asked.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn the_snapshot_of_the_chain_id_answers_where_a_layer_is_absent() {
        let (root, snapshots) = unpacked();
        let snapshots = Arc::new(snapshots);
        for (asked, snapshotter) in [(None, "default"), (Some("other"), "other")] {
            let got = read(Err(absent()), &snapshots, Some(&root), chosen(asked, None)).await;
            assert_eq!(got, Ok(files("unpacked")));
            let asked = snapshots.asked.lock().unwrap().pop().unwrap();
            assert_eq!(asked, (snapshotter.to_owned(), digest("d").to_string()));
        }
        assert_eq!(snapshots.held.load(Ordering::SeqCst), 0);
    }

    #[tokio::test]
    async fn the_snapshot_answers_where_a_layer_is_no_archive() {
        let (root, snapshots) = unpacked();
        let snapshots = Arc::new(snapshots);
        let media_type = "application/vnd.oci.image.layer.nydus.blob.v1".to_owned();
        let unreadable = |snapshot| {
            let (digest, media_type) = (digest("a"), media_type.clone());
            Err(ImageError::LayerUnreadable { digest, media_type, snapshot })
        };
        let layers = || unreadable(SnapshotError::Unsupported);
        let got = read(layers(), &snapshots, Some(&root), chosen(Some("nydus"), None)).await;
        assert_eq!(got, Ok(files("unpacked")));
        let got = read(layers(), &snapshots, None, chosen(None, None)).await;
        assert_eq!(got, unreadable(SnapshotError::Off));
        let said = got.unwrap_err().to_string();
        assert!(said.contains("nydus.blob") && said.contains("--snapshot-root"), "{said}");
    }

    #[tokio::test]
    async fn few_snapshots_are_read_at_a_time_and_the_others_wait() {
        let (root, snapshots) = unpacked();
        let snapshots: Arc<Snapshots> = Arc::new(snapshots);
        let rules = SnapshotRules {
            root: Some(root.path().to_owned()),
            snapshotter: Snapshotter::parse("default").unwrap(),
            timeout: Duration::from_secs(60),
        };
        let store: Arc<dyn SnapshotStore> = Arc::<Snapshots>::clone(&snapshots);
        let reader = SnapshotFallback::new(
            Layers(Err(absent())),
            Arc::new(SnapshotFiles::new(store, rules)),
        );
        let (namespace, image, from) =
            (Namespace::parse("n").unwrap(), image(), chosen(None, None));
        let reads = (0..50)
            .map(|_| reader.read_account_files(&namespace, &image, PASSWD, &from, Deadline::NONE));
        for read in futures_util::future::join_all(reads).await {
            assert_eq!(*read.unwrap(), files("unpacked"));
        }
        let most = snapshots.most.load(Ordering::SeqCst);
        assert!((1..=4).contains(&most), "{most} at a time");
    }

    /// The mounts of containerd's erofs snapshotter.
    #[tokio::test]
    async fn a_snapshot_that_cannot_be_read_names_its_snapshotter() {
        let root = tempfile::tempdir().unwrap();
        let refusal = Some(SnapshotError::Unreadable("odd".to_owned()));
        let odd = Arc::new(Snapshots { refusal, ..Snapshots::default() });
        let got = read(Err(absent()), &odd, Some(&root), chosen(Some("erofs"), None)).await;
        let said = got.unwrap_err().to_string();
        assert!(said.contains("snapshotter erofs: odd"), "{said}");
    }

    #[tokio::test]
    async fn a_snapshot_that_is_chosen_answers_always() {
        let (root, snapshots) = unpacked();
        let snapshots = Arc::new(snapshots);
        let from = chosen(None, Some("web-1"));
        let got = read(Ok(files("layers")), &snapshots, Some(&root), from.clone()).await;
        assert_eq!(got, Ok(files("unpacked")));
        let asked = snapshots.asked.lock().unwrap().pop().unwrap();
        assert_eq!(asked, ("default".to_owned(), "web-1".to_owned()));
        let got = read(Ok(files("layers")), &snapshots, None, from).await;
        assert_eq!(got, Err(ImageError::Snapshot(SnapshotError::Off)));
        assert!(snapshots.asked.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn what_is_wrong_with_the_snapshot_is_said_beside_the_layer() {
        let (root, snapshots) = unpacked();
        let off = read(Err(absent()), &Arc::new(snapshots), None, chosen(None, None)).await;
        let Err(ImageError::LayerAbsent { digest: layer, snapshot }) = &off else {
            panic!("{off:?}")
        };
        assert_eq!((layer, snapshot), (&digest("a"), &SnapshotError::Off));
        let said = off.unwrap_err().to_string();
        assert!(said.contains("probably discarded") && said.contains("--snapshot-root"), "{said}");

        let refusal = SnapshotError::Unreadable("odd".to_owned());
        let odd = Snapshots { refusal: Some(refusal.clone()), ..Snapshots::default() };
        let got = read(Err(absent()), &Arc::new(odd), Some(&root), chosen(None, None)).await;
        let named = SnapshotError::Unreadable("snapshotter default: odd".to_owned());
        assert_eq!(got, Err(ImageError::LayerAbsent { digest: digest("a"), snapshot: named }));
        let gone = StoreError::Unavailable("gone".to_owned());
        let refusal = Some(SnapshotError::Store(gone.clone()));
        let odd = Snapshots { refusal, ..Snapshots::default() };
        let got = read(Err(absent()), &Arc::new(odd), Some(&root), chosen(None, None)).await;
        assert_eq!(got, Err(ImageError::Store(gone)));
    }

    #[tokio::test]
    async fn a_snapshot_that_vanishes_while_it_is_read_is_not_believed() {
        let (root, snapshots) = unpacked();
        let snapshots = Arc::new(Snapshots { vanishes: true, ..snapshots });
        let got = read(Err(absent()), &snapshots, Some(&root), chosen(None, None)).await;
        assert_eq!(got, Err(ImageError::Store(StoreError::Unavailable("gone".to_owned()))));
        assert_eq!(snapshots.held.load(Ordering::SeqCst), 0);
    }
}
