//! The trait for snapshots: how would one be mounted?
//!
//! Nothing is ever mounted: `image::snapshot` reads the directories in place.

use crate::domain::ids::{Namespace, Snapshotter};
use crate::image::snapshot::key::SnapshotKey;
use crate::store::{Deadline, StoreError};
use async_trait::async_trait;

/// A mount, in the words of a snapshotter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// The file system, for example `bind` or `overlay`.
    pub kind: String,
    /// What is mounted, if the kind has a source.
    pub source: String,
    /// The directory in the root; empty for the root itself.
    pub target: String,
    /// The options.
    pub options: Vec<String>,
}

/// Why the files of a snapshot cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// No directory of the host may be read.
    #[error(
        "no snapshot may be read: set --snapshot-root to the directory below which containerd has its \
         snapshots, for example /var/lib/containerd"
    )]
    Off,
    /// The store has no snapshots at all.
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
    /// The snapshot exists, but cannot be read in place.
    #[error("the snapshot cannot be read in place: {0}")]
    Unreadable(String),
    /// The label of a namespace does not name a snapshotter.
    #[error("{0}")]
    Label(String),
    /// The store did not answer.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for SnapshotError {
    /// An invalid answer about a snapshot does not make the image invalid.
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Invalid(text) => Self::Unreadable(text),
            other @ (StoreError::ImageNotFound { .. }
            | StoreError::BlobAbsent { .. }
            | StoreError::Unavailable(_)) => Self::Store(other),
        }
    }
}

/// A snapshot that is kept until it is released.
///
/// Dropping it releases it too, in the background.
pub struct HeldSnapshot {
    /// How it would be mounted.
    pub mounts: Vec<Mount>,
    /// What keeps it.
    pub hold: Box<dyn SnapshotHold>,
}

/// Keeps a snapshot while it is read.
#[async_trait]
pub trait SnapshotHold: Send {
    /// Releases the snapshot, and checks that it existed to the end.
    ///
    /// What was read may only be used after that: a directory that is being removed lacks files.
    async fn release(self: Box<Self>) -> Result<(), SnapshotError>;
}

/// A store of snapshots.
#[async_trait]
pub trait SnapshotStore: Send + Sync + 'static {
    /// Holds a snapshot: a committed one, under a chain ID, or a container's own.
    async fn hold(
        &self,
        namespace: &Namespace,
        snapshotter: &Snapshotter,
        key: &SnapshotKey,
        deadline: Deadline,
    ) -> Result<HeldSnapshot, SnapshotError>;
}
