//! The interface between the use case and stored containers.
//!
//! It reads a stored container, without a cache and without parsing.

use crate::domain::ids::{ContainerId, Namespace};
use crate::image::source::SourceError;
use async_trait::async_trait;

/// A stored container.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoredContainer {
    /// The type URL of its spec, or empty if it has none.
    pub type_url: String,
    /// Its spec as bytes.
    pub spec: Vec<u8>,
    /// The snapshotter of its root, or empty.
    pub snapshotter: String,
    /// The key of the snapshot of its root, or empty.
    pub snapshot_key: String,
}

/// Why a container cannot be found or used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContainerError {
    /// No container has this id.
    #[error("container {id} not found in namespace {namespace}")]
    NotFound {
        /// The namespace.
        namespace: Namespace,
        /// The id.
        id: ContainerId,
    },
    /// The source has no containers.
    #[error(
        "container {id} not found in namespace {namespace}: this server has the images of an OCI \
         layout, but no containers"
    )]
    NoContainers {
        /// The namespace.
        namespace: Namespace,
        /// The id.
        id: ContainerId,
    },
    /// The container exists, but cannot be used.
    #[error("container {id} in namespace {namespace} cannot be used: {reason}")]
    Unusable {
        /// The namespace.
        namespace: Namespace,
        /// The id.
        id: ContainerId,
        /// What is wrong.
        reason: String,
    },
    /// The source did not answer.
    #[error(transparent)]
    Source(SourceError),
}

/// A store of containers.
#[async_trait]
pub trait ContainerStore: Send + Sync + 'static {
    /// Reads a container.
    async fn get(
        &self,
        namespace: &Namespace,
        id: &ContainerId,
    ) -> Result<StoredContainer, ContainerError>;
}

/// The store of a source without containers.
#[derive(Debug, Clone, Copy)]
pub struct NoContainers;

#[async_trait]
impl ContainerStore for NoContainers {
    async fn get(
        &self,
        namespace: &Namespace,
        id: &ContainerId,
    ) -> Result<StoredContainer, ContainerError> {
        Err(ContainerError::NoContainers { namespace: namespace.clone(), id: id.clone() })
    }
}
