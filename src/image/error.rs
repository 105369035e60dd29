//! Why an image cannot be read.

use crate::image::digest::Digest;
use crate::image::platform::Platform;
use crate::store::{SnapshotError, StoreError};

/// Why an image cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// The store did not answer, or does not hold the blob.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No manifest for the platform.
    #[error("no manifest for {wanted}, the image has {}", list(.exist))]
    PlatformAbsent {
        /// The platform that was asked for.
        wanted: Platform,
        /// The platforms that the image has.
        exist: Vec<Platform>,
    },
    /// A blob that is not what its descriptor says, or that cannot be parsed.
    #[error("blob {digest}: {reason}")]
    Invalid {
        /// The blob.
        digest: Digest,
        /// What is wrong.
        reason: String,
    },
    /// A blob with another size or digest than its descriptor states.
    #[error("blob {digest} is corrupt: expected {expected}, found {found}")]
    Corrupt {
        /// The blob.
        digest: Digest,
        /// The size or the digest that the descriptor states.
        expected: String,
        /// The size or the digest of the bytes.
        found: String,
    },
    /// More than a limit allows.
    #[error("{what} is over the limit of {limit} {unit}")]
    Limit {
        /// What is too large, for example `configuration sha256:...`.
        what: String,
        /// The limit.
        limit: u64,
        /// The unit of the limit: `bytes`, `layers`.
        unit: &'static str,
    },
    /// A layer is not in the store, and the snapshot of the image cannot be read either.
    #[error(
        "layer {digest} is not in the store, probably discarded after it was unpacked, and {snapshot}"
    )]
    LayerAbsent {
        /// The layer.
        digest: Digest,
        /// Why the snapshot cannot be read.
        snapshot: SnapshotError,
    },
    /// A layer that is no tar archive, and the snapshot of the image cannot be read either.
    #[error(
        "layer {digest} has media type {media_type:?}, which only its snapshotter can read, and {snapshot}"
    )]
    LayerUnreadable {
        /// The layer.
        digest: Digest,
        /// The media type that its descriptor states.
        media_type: String,
        /// Why the snapshot cannot be read.
        snapshot: SnapshotError,
    },
    /// The snapshot that the request names cannot be read.
    #[error(transparent)]
    Snapshot(SnapshotError),
    /// An account file that cannot be read as a regular file.
    #[error("{path} in the image {reason}")]
    File {
        /// The path of the file.
        path: String,
        /// What it is instead, or how it is reached.
        reason: String,
    },
}

impl ImageError {
    /// Whether the layers cannot be read, and a snapshot of the image may help.
    #[must_use]
    pub fn is_for_snapshot(&self) -> bool {
        matches!(self, Self::Store(StoreError::BlobAbsent { .. }) | Self::LayerUnreadable { .. })
    }

    /// Whether the same content is refused again at the next time, whatever the store does meanwhile.
    #[must_use]
    pub fn is_lasting(&self) -> bool {
        matches!(
            self,
            Self::PlatformAbsent { .. }
                | Self::Invalid { .. }
                | Self::Limit { .. }
                | Self::File { .. }
        )
    }
}

impl From<SnapshotError> for ImageError {
    fn from(error: SnapshotError) -> Self {
        match error {
            SnapshotError::Store(error) => Self::Store(error),
            other @ (SnapshotError::Off
            | SnapshotError::Unsupported
            | SnapshotError::Absent { .. }
            | SnapshotError::Label(_)
            | SnapshotError::Unreadable(_)) => Self::Snapshot(other),
        }
    }
}

fn list(platforms: &[Platform]) -> String {
    if platforms.is_empty() {
        return "none".to_owned();
    }
    platforms.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
