//! Images whose layers are gone: the account files come out of the snapshot beside them.
//!
//! The layers are asked first, since they need nothing of the host. Nodes discard them once they are
//! unpacked, and lazy snapshotters never fetch them.

use crate::domain::ids::{Namespace, Snapshotter};
use crate::domain::platform::Platform;
use crate::domain::snapshot::{SnapshotChoice, SnapshotKey};
use crate::image::reader::{AccountFiles, Description, ImageError, ImageReader, Wanted};
use crate::image::snapshot::{SnapshotError, SnapshotSource};
use crate::image::snapshot_files::account_files;
use crate::image::source::{Descriptor, SourceError};
use async_trait::async_trait;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How snapshots are read.
#[derive(Debug, Clone)]
pub struct SnapshotRules {
    /// The directory of the host below which snapshots may be read; nothing where none may.
    pub root: Option<PathBuf>,
    /// Whose snapshots they are where the request does not say.
    pub snapshotter: Snapshotter,
    /// How long reading one may take.
    pub timeout: Duration,
}

/// An [`ImageReader`] that reads a snapshot where another one lacks the layers, or where one is chosen.
pub struct SnapshotReader<R> {
    layers: R,
    snapshots: Arc<dyn SnapshotSource>,
    rules: SnapshotRules,
}

impl<R: ImageReader> SnapshotReader<R> {
    /// Reads from `layers`, and beside them from `snapshots`.
    pub fn new(layers: R, snapshots: Arc<dyn SnapshotSource>, rules: SnapshotRules) -> Self {
        Self { layers, snapshots, rules }
    }

    async fn read(
        &self,
        namespace: &Namespace,
        snapshotter: Option<&Snapshotter>,
        key: &SnapshotKey,
        wanted: Wanted,
    ) -> Result<AccountFiles, ImageError> {
        let root = self.rules.root.clone().ok_or(SnapshotError::Off)?;
        let snapshotter = snapshotter.unwrap_or(&self.rules.snapshotter);
        let held = self.snapshots.hold(namespace, snapshotter, key).await?;
        let mounts = held.mounts;
        let reading = tokio::task::spawn_blocking(move || account_files(&root, &mounts, wanted));
        let read = tokio::time::timeout(self.rules.timeout, reading).await;
        held.hold.release().await?;
        let unavailable = |text: String| ImageError::Source(SourceError::Unavailable(text));
        match read {
            Ok(Ok(files)) => files,
            Ok(Err(error)) => {
                Err(unavailable(format!("reading of snapshot {key} broke off: {error}")))
            }
            Err(_) => Err(unavailable(format!(
                "snapshot {key} of snapshotter {snapshotter} was not read within {:?}",
                self.rules.timeout
            ))),
        }
    }
}

#[async_trait]
impl<R: ImageReader> ImageReader for SnapshotReader<R> {
    async fn describe(
        &self,
        namespace: &Namespace,
        target: &Descriptor,
        platform: &Platform,
    ) -> Result<Arc<Description>, ImageError> {
        self.layers.describe(namespace, target, platform).await
    }

    async fn files(
        &self,
        namespace: &Namespace,
        image: &Description,
        wanted: Wanted,
        from: &SnapshotChoice,
    ) -> Result<Arc<AccountFiles>, ImageError> {
        let snapshotter = from.snapshotter.as_ref();
        if let Some(key) = &from.key {
            return self.read(namespace, snapshotter, key, wanted).await.map(Arc::new);
        }
        let digest = match self.layers.files(namespace, image, wanted, from).await {
            Err(ImageError::Source(SourceError::BlobAbsent { digest })) => digest,
            other => return other,
        };
        let absent = || ImageError::Source(SourceError::BlobAbsent { digest: digest.clone() });
        let chain_id = image.chain_id.as_ref().ok_or_else(absent)?;
        let key = SnapshotKey::parse(chain_id.as_str()).map_err(|_| absent())?;
        match self.read(namespace, snapshotter, &key, wanted).await {
            Err(ImageError::Snapshot(snapshot)) => {
                Err(ImageError::LayerAbsent { digest, snapshot })
            }
            other => other.map(Arc::new),
        }
    }
}
