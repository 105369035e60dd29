//! The trait for stored images: resolve a name, open a blob, ping.
//!
//! A store neither verifies nor parses a blob: [`crate::image::blob`] does, for every store alike.

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

/// The bytes of a blob, not yet verified.
pub type BlobStream = Pin<Box<dyn AsyncRead + Send>>;

/// Why a store gave no answer, or an invalid one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// No image has one of these names.
    #[error("image not found, tried {}{hint}", tried.join(" and "))]
    ImageNotFound {
        /// The names that were tried, in order.
        tried: Vec<String>,
        /// Where they were looked up and what exists there, for people; may be empty.
        hint: String,
    },
    /// The store does not hold the blob.
    #[error("blob {digest} is not in the store")]
    BlobAbsent {
        /// The blob.
        digest: Digest,
    },
    /// The store does not answer, or the answer broke off.
    #[error("{0}")]
    Unavailable(String),
    /// The answer is not that of an image store.
    #[error("{0}")]
    Invalid(String),
}

/// A store of images.
#[async_trait]
pub trait ImageStore: Send + Sync + 'static {
    /// What a name points to at this moment: an answer is never cached.
    ///
    /// Each of [`ImageName::candidates`] is tried, in order.
    async fn resolve(
        &self,
        namespace: &Namespace,
        name: &ImageName,
        deadline: Deadline,
    ) -> Result<Resolved, StoreError>;

    /// Opens a blob.
    async fn open(
        &self,
        namespace: &Namespace,
        blob: &Descriptor,
        deadline: Deadline,
    ) -> Result<BlobStream, StoreError>;

    /// Checks that the store answers.
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
