//! The trait through which images are read: their description, and their account files.

use crate::domain::ids::{Namespace, Snapshotter};
use crate::image::digest::Digest;
use crate::image::metadata::config::ImageConfig;
use crate::image::platform::Platform;
use crate::image::snapshot::key::SnapshotChoice;
use crate::image::{AccountFiles, Descriptor, ImageError, NeededFiles};
use crate::store::Deadline;
use async_trait::async_trait;
use sha2::Digest as _;
use std::sync::Arc;

/// What the manifest and the configuration of an image say.
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
    /// The digest of what the layers' descriptors say.
    pub layers_digest: [u8; 32],
    /// The chain ID of all layers; absent for an image without layers.
    pub chain_id: Option<Digest>,
}

/// The digest of what the descriptors of layers say: their digests and media types.
pub(super) fn layers_digest(layers: &[Descriptor]) -> [u8; 32] {
    let mut hasher = sha2::Sha256::new();
    for layer in layers {
        hasher.update(layer.digest.as_str());
        hasher.update(" ");
        hasher.update(&layer.media_type);
        hasher.update("\n");
    }
    hasher.finalize().into()
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
        deadline: Deadline,
    ) -> Result<Arc<Description>, ImageError>;

    /// Reads the account files as a container of the image sees them, or, where a snapshot is chosen, as
    /// a container on that snapshot does.
    async fn read_account_files(
        &self,
        namespace: &Namespace,
        image: &Description,
        needed: NeededFiles,
        from: &SnapshotChoice,
        deadline: Deadline,
    ) -> Result<Arc<AccountFiles>, ImageError>;

    /// Reads the account files out of the layers alone, which no snapshotter changes.
    async fn read_layers(
        &self,
        namespace: &Namespace,
        image: &Description,
        needed: NeededFiles,
        deadline: Deadline,
    ) -> Result<Arc<AccountFiles>, ImageError> {
        let from = SnapshotChoice::default();
        self.read_account_files(namespace, image, needed, &from, deadline).await
    }

    /// Reads the account files of an image of which the layers cannot be read, for the reason in `layers`.
    async fn read_unpacked(
        &self,
        _namespace: &Namespace,
        _image: &Description,
        _needed: NeededFiles,
        _snapshotter: Option<&Snapshotter>,
        layers: ImageError,
        _deadline: Deadline,
    ) -> Result<Arc<AccountFiles>, ImageError> {
        Err(layers)
    }
}
