//! Reads the account files of a snapshot, which is held while they are read.

use crate::domain::ids::{Namespace, Snapshotter};
use crate::image::layers::LayerReaders;
use crate::image::snapshot::key::SnapshotKey;
use crate::image::snapshot::read::read_from_mounts;
use crate::image::{AccountFiles, ImageError, NeededFiles};
use crate::store::{Deadline, SnapshotError, SnapshotStore, StoreError};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How snapshots are read.
#[derive(Debug, Clone)]
pub struct SnapshotRules {
    /// The directory of the host below which snapshots may be read; absent if no snapshot may be read.
    pub root: Option<PathBuf>,
    /// The snapshotter for requests that name none, in namespaces that have no default.
    pub snapshotter: Snapshotter,
    /// How long the reading of one snapshot may take.
    pub timeout: Duration,
}

/// Reads the account files of snapshots.
pub struct SnapshotFiles {
    snapshots: Arc<dyn SnapshotStore>,
    rules: SnapshotRules,
    /// Others than those of layers: a file system that does not answer holds up snapshots alone.
    readers: LayerReaders,
}

impl SnapshotFiles {
    /// Reads from `snapshots` by these rules.
    #[must_use]
    pub fn new(snapshots: Arc<dyn SnapshotStore>, rules: SnapshotRules) -> Self {
        Self { snapshots, rules, readers: LayerReaders::default() }
    }

    /// The account files as a process in the snapshot sees them.
    ///
    /// # Errors
    ///
    /// An [`ImageError`], also for a snapshot that was removed meanwhile.
    pub async fn read(
        &self,
        namespace: &Namespace,
        snapshotter: Option<&Snapshotter>,
        key: &SnapshotKey,
        needed: NeededFiles,
        deadline: Deadline,
    ) -> Result<AccountFiles, ImageError> {
        let root = self.rules.root.clone().ok_or(SnapshotError::Off)?;
        let snapshotter = snapshotter.unwrap_or(&self.rules.snapshotter);
        let named = |error: ImageError| {
            if let ImageError::Snapshot(SnapshotError::Unreadable(reason)) = error {
                let reason = format!("snapshotter {snapshotter}: {reason}");
                return SnapshotError::Unreadable(reason).into();
            }
            error
        };
        // Before the snapshot is held, and until it is read, also if the caller is gone.
        let place = self.readers.image(namespace, deadline).await?;
        let held = self.snapshots.hold(namespace, snapshotter, key, deadline).await;
        let held = held.map_err(|error| named(error.into()))?;
        let mounts = held.mounts;
        let reading =
            tokio::task::spawn_blocking(move || (read_from_mounts(&root, &mounts, needed), place));
        let read = tokio::time::timeout(self.rules.timeout, reading).await;
        held.hold.release().await?;
        let unavailable = |text: String| ImageError::Store(StoreError::Unavailable(text));
        match read {
            Ok(Ok((files, _place))) => files.map_err(named),
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
