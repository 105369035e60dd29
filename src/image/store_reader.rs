//! Images read from a source alone: the account files come out of the layers' blobs.

use crate::domain::ids::Namespace;
use crate::image::describe::describe;
use crate::image::layers::account_files::account_files;
use crate::image::platform::Platform;
use crate::image::reader::{AccountFiles, Description, ImageError, ImageReader, Wanted};
use crate::image::snapshot::key::SnapshotChoice;
use crate::store::image_store::{Descriptor, ImageSource};
use crate::store::snapshot_store::SnapshotError;
use async_trait::async_trait;
use std::sync::Arc;

/// Reads images from one source.
pub struct SourceReader {
    source: Arc<dyn ImageSource>,
}

impl SourceReader {
    /// Reads from this source.
    #[must_use]
    pub fn new(source: Arc<dyn ImageSource>) -> Self {
        Self { source }
    }
}

#[async_trait]
impl ImageReader for SourceReader {
    async fn describe(
        &self,
        namespace: &Namespace,
        target: &Descriptor,
        platform: &Platform,
    ) -> Result<Arc<Description>, ImageError> {
        describe(&*self.source, namespace, target, platform).await.map(Arc::new)
    }

    async fn files(
        &self,
        namespace: &Namespace,
        image: &Description,
        wanted: Wanted,
        from: &SnapshotChoice,
    ) -> Result<Arc<AccountFiles>, ImageError> {
        if from.key.is_some() {
            return Err(SnapshotError::Unsupported.into());
        }
        let source = Arc::clone(&self.source);
        account_files(source, namespace, &image.layers, wanted).await.map(Arc::new)
    }
}
