//! Reads images from a store alone: the account files come out of the blobs of the layers.

use crate::domain::ids::Namespace;
use crate::image::describe::Metadata;
use crate::image::layers::{LayerReaders, read_from_layers};
use crate::image::platform::Platform;
use crate::image::snapshot::key::SnapshotChoice;
use crate::image::{AccountFiles, Description, Descriptor, ImageError, ImageReader, NeededFiles};
use crate::store::{Deadline, ImageStore, SnapshotError};
use async_trait::async_trait;
use std::sync::Arc;

/// Reads images from one store.
pub struct StoreReader {
    store: Arc<dyn ImageStore>,
    readers: LayerReaders,
}

impl StoreReader {
    /// Reads from this store.
    #[must_use]
    pub fn new(store: Arc<dyn ImageStore>) -> Self {
        Self { store, readers: LayerReaders::default() }
    }
}

#[async_trait]
impl ImageReader for StoreReader {
    async fn describe(
        &self,
        namespace: &Namespace,
        target: &Descriptor,
        platform: &Platform,
        deadline: Deadline,
    ) -> Result<Arc<Description>, ImageError> {
        let metadata =
            Metadata { store: &*self.store, readers: &self.readers, namespace, deadline };
        metadata.describe(target, platform).await.map(Arc::new)
    }

    async fn read_account_files(
        &self,
        namespace: &Namespace,
        image: &Description,
        needed: NeededFiles,
        from: &SnapshotChoice,
        deadline: Deadline,
    ) -> Result<Arc<AccountFiles>, ImageError> {
        if from.key.is_some() {
            return Err(SnapshotError::Unsupported.into());
        }
        read_from_layers(&self.readers, &*self.store, namespace, &image.layers, needed, deadline)
            .await
            .map(Arc::new)
    }
}
