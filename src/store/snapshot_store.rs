//! The seam between images and the snapshots that they were unpacked to.
//!
//! One question: how would this snapshot be mounted? Nothing is ever mounted: `snapshot_files` reads the
//! directories in place.

use crate::domain::ids::{Namespace, Snapshotter};
use crate::image::snapshot::key::SnapshotKey;
use crate::store::{Deadline, StoreError};
use async_trait::async_trait;

/// A mount as a snapshotter states it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// The file system, as `bind` or `overlay`.
    pub kind: String,
    /// What is mounted, where the kind takes a source.
    pub source: String,
    /// Where in the root; empty for the root itself.
    pub target: String,
    /// The options, one each.
    pub options: Vec<String>,
}

/// Why the files of a snapshot cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// Nobody has said which directory of the host may be read.
    #[error(
        "no snapshot may be read: set --snapshot-root to the directory below which containerd has its \
         snapshots, as /var/lib/containerd"
    )]
    Off,
    /// The image source has no snapshots at all.
    #[error("images that do not come from containerd have no snapshots")]
    Unsupported,
    /// The snapshotter has no snapshot under the key.
    #[error("snapshotter {snapshotter} has no snapshot {key}")]
    Absent {
        /// The snapshotter that was asked.
        snapshotter: Snapshotter,
        /// The key that was asked for.
        key: SnapshotKey,
    },
    /// It is there, and not in a form that is read in place.
    #[error("the snapshot cannot be read in place: {0}")]
    Unreadable(String),
    /// The source did not answer.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for SnapshotError {
    /// What containerd answers about a snapshot says nothing of the image.
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Invalid(text) => Self::Unreadable(text),
            other @ (StoreError::ImageNotFound { .. }
            | StoreError::BlobAbsent { .. }
            | StoreError::Unavailable(_)) => Self::Store(other),
        }
    }
}

/// A snapshot that stays as it is mounted until it is released.
///
/// Dropping it releases it too, in the background.
pub struct HeldSnapshot {
    /// How it would be mounted.
    pub mounts: Vec<Mount>,
    /// What keeps it.
    pub hold: Box<dyn SnapshotHold>,
}

/// What keeps a snapshot while it is read.
#[async_trait]
pub trait SnapshotHold: Send {
    /// Lets go, and answers whether the snapshot was there to the end.
    ///
    /// What was read may only be believed after that: of a directory that is being removed, files are
    /// missing.
    async fn release(self: Box<Self>) -> Result<(), SnapshotError>;
}

/// Where snapshots are.
#[async_trait]
pub trait SnapshotStore: Send + Sync + 'static {
    /// Holds a snapshot, be it committed under a chain ID or a container's own.
    async fn hold(
        &self,
        namespace: &Namespace,
        snapshotter: &Snapshotter,
        key: &SnapshotKey,
        deadline: Deadline,
    ) -> Result<HeldSnapshot, SnapshotError>;
}
