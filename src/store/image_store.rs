//! The seam between images and where their bytes come from.
//!
//! Three questions, and no more: what does a name point to, give me this blob, are you there. A source
//! neither verifies nor parses: [`crate::image::blob`] does, for every source alike.

use crate::domain::ids::Namespace;
use crate::image::Descriptor;
use crate::image::digest::Digest;
use crate::image::reference::ImageName;
use crate::store::Deadline;
use async_trait::async_trait;
use std::pin::Pin;
use tokio::io::AsyncRead;

/// What a name points to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The stored name that matched.
    pub name: String,
    /// An index or a manifest.
    pub target: Descriptor,
}

/// A blob's bytes as they come, not yet verified.
pub type BlobStream = Pin<Box<dyn AsyncRead + Send>>;

/// Why a source did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// No image has one of these names.
    #[error("image not found, tried {}", tried.join(" and "))]
    ImageNotFound {
        /// The names that were asked for, in order.
        tried: Vec<String>,
    },
    /// The store does not hold the blob.
    #[error("blob {digest} is not in the store")]
    BlobAbsent {
        /// The blob.
        digest: Digest,
    },
    /// Nobody answers, or the answer broke off.
    #[error("{0}")]
    Unavailable(String),
    /// Somebody answers, and not as an image store does.
    #[error("{0}")]
    Invalid(String),
}

/// Where images are stored.
#[async_trait]
pub trait ImageStore: Send + Sync + 'static {
    /// What a name points to, now: an answer is never remembered.
    ///
    /// Each of [`ImageName::candidates`] is tried, in order.
    async fn resolve(
        &self,
        namespace: &Namespace,
        name: &ImageName,
        deadline: Deadline,
    ) -> Result<Resolved, StoreError>;

    /// A blob's bytes.
    async fn open(
        &self,
        namespace: &Namespace,
        blob: &Descriptor,
        deadline: Deadline,
    ) -> Result<BlobStream, StoreError>;

    /// Whether the source answers.
    async fn ping(&self) -> Result<(), StoreError>;
}

#[async_trait]
impl<S: ImageStore + ?Sized> ImageStore for std::sync::Arc<S> {
    async fn resolve(
        &self,
        namespace: &Namespace,
        name: &ImageName,
        deadline: Deadline,
    ) -> Result<Resolved, StoreError> {
        (**self).resolve(namespace, name, deadline).await
    }

    async fn open(
        &self,
        namespace: &Namespace,
        blob: &Descriptor,
        deadline: Deadline,
    ) -> Result<BlobStream, StoreError> {
        (**self).open(namespace, blob, deadline).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        (**self).ping().await
    }
}
