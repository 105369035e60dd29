//! The seam between the use case and images: describe one, and read files out of one.
//!
//! Where the files come from is a choice behind it.

use crate::domain::ids::Namespace;
use crate::image::digest::Digest;
use crate::image::metadata::config::ImageConfig;
use crate::image::platform::Platform;
use crate::image::snapshot::key::SnapshotChoice;
use crate::store::image_store::{Descriptor, SourceError};
use crate::store::snapshot_store::SnapshotError;
use async_trait::async_trait;
use bytes::Bytes;
use std::sync::Arc;

/// What is known of an image once its manifest and configuration have been read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// The digest of the manifest that was chosen.
    pub manifest_digest: Digest,
    /// The digest of the configuration.
    pub config_digest: Digest,
    /// The configuration.
    pub config: ImageConfig,
    /// The layers, lowest first.
    pub layers: Vec<Descriptor>,
    /// The chain ID of all layers; nothing for an image without any.
    pub chain_id: Option<Digest>,
}

/// Which of the account files are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wanted {
    /// `/etc/passwd`.
    pub passwd: bool,
    /// `/etc/group`.
    pub group: bool,
}

/// The account files of an image, nothing where the image has none or where it was not wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccountFiles {
    /// `/etc/passwd`.
    pub passwd: Option<Bytes>,
    /// `/etc/group`.
    pub group: Option<Bytes>,
}

/// Why an image cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// The source did not answer, or lacks the blob.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// No manifest for the platform.
    #[error("no manifest for {wanted}, the image has {}", list(.exist))]
    PlatformAbsent {
        /// The platform that was asked for.
        wanted: Platform,
        /// The platforms that there are.
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
    /// A blob whose bytes do not fit the descriptor.
    #[error("blob {digest} is corrupt: expected {expected}, found {found}")]
    Corrupt {
        /// The blob.
        digest: Digest,
        /// The size or the digest that the descriptor states.
        expected: String,
        /// What the bytes have.
        found: String,
    },
    /// More than a limit allows.
    #[error("{what} is over the limit of {limit} {unit}")]
    Limit {
        /// What is too large, as `configuration sha256:...`.
        what: String,
        /// The limit.
        limit: u64,
        /// What the limit counts: `bytes`, `layers`.
        unit: &'static str,
    },
    /// A layer is not in the store, and the snapshot beside it cannot be read either.
    #[error(
        "layer {digest} is not in the store, probably discarded after it was unpacked, and {snapshot}"
    )]
    LayerAbsent {
        /// The layer.
        digest: Digest,
        /// Why the snapshot does not help.
        snapshot: SnapshotError,
    },
    /// The snapshot that was asked for cannot be read.
    #[error(transparent)]
    Snapshot(SnapshotError),
    /// A file of the root that cannot be read as a regular file.
    #[error("{path} in the image {reason}")]
    File {
        /// The file that was wanted.
        path: String,
        /// What it is instead.
        reason: String,
    },
}

impl From<SnapshotError> for ImageError {
    fn from(error: SnapshotError) -> Self {
        match error {
            SnapshotError::Source(error) => Self::Source(error),
            other @ (SnapshotError::Off
            | SnapshotError::Unsupported
            | SnapshotError::Absent { .. }
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

/// Reads images.
#[async_trait]
pub trait ImageReader: Send + Sync + 'static {
    /// Follows index and manifest to the configuration for a platform.
    async fn describe(
        &self,
        namespace: &Namespace,
        target: &Descriptor,
        platform: &Platform,
    ) -> Result<Arc<Description>, ImageError>;

    /// The account files as a container of the image would see them, or, where a snapshot is chosen, as
    /// the container that stands on it does.
    async fn files(
        &self,
        namespace: &Namespace,
        image: &Description,
        wanted: Wanted,
        from: &SnapshotChoice,
    ) -> Result<Arc<AccountFiles>, ImageError>;
}
