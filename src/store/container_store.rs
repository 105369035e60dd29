//! The trait for stored containers. Nothing is cached and nothing is parsed here.

use crate::domain::ids::{ContainerId, Namespace};
use crate::store::{Deadline, StoreError};
use async_trait::async_trait;

/// A stored container.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoredContainer {
    /// The type of its spec, or empty if it has none.
    pub type_url: String,
    /// Its spec as bytes.
    pub spec: Vec<u8>,
    /// The snapshotter of its root, or empty.
    pub snapshotter: String,
    /// The key of its root's snapshot, or empty.
    pub snapshot_key: String,
}

/// Why a container does not exist or cannot be used.
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
    /// The store has no containers at all.
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
    /// The container exists, but what is stored of it cannot be used.
    #[error("container {id} in namespace {namespace} cannot be used: {reason}")]
    Unusable {
        /// The namespace.
        namespace: Namespace,
        /// The id.
        id: ContainerId,
        /// What is wrong.
        reason: String,
    },
    /// The store did not answer.
    #[error(transparent)]
    Store(StoreError),
}

/// A store of containers.
#[async_trait]
pub trait ContainerStore: Send + Sync + 'static {
    /// Reads a container.
    async fn get(
        &self,
        namespace: &Namespace,
        id: &ContainerId,
        deadline: Deadline,
    ) -> Result<StoredContainer, ContainerError>;
}

/// A store without containers.
#[derive(Debug, Clone, Copy)]
pub struct NoContainers;

#[async_trait]
impl ContainerStore for NoContainers {
    async fn get(
        &self,
        namespace: &Namespace,
        id: &ContainerId,
        _deadline: Deadline,
    ) -> Result<StoredContainer, ContainerError> {
        Err(ContainerError::NoContainers { namespace: namespace.clone(), id: id.clone() })
    }
}
