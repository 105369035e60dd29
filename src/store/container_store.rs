//! The seam between the use case and the containers that are there.
//!
//! One question: how is this container stored? Nothing is remembered and nothing is parsed here.

use crate::domain::ids::{ContainerId, Namespace};
use crate::store::{Deadline, StoreError};
use async_trait::async_trait;

/// A container as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoredContainer {
    /// The type of its spec, or empty where it has none.
    pub type_url: String,
    /// Its spec, not yet parsed.
    pub spec: Vec<u8>,
    /// Whose snapshot its root is, or empty.
    pub snapshotter: String,
    /// The key of that snapshot, or empty.
    pub snapshot_key: String,
}

/// Why there is no container, or none that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContainerError {
    /// No container has the id.
    #[error("container {id} not found in namespace {namespace}")]
    NotFound {
        /// Where it was looked for.
        namespace: Namespace,
        /// The id.
        id: ContainerId,
    },
    /// There are no containers at all.
    #[error(
        "container {id} not found in namespace {namespace}: this server has the images of an OCI \
         layout, and no containers"
    )]
    NoContainers {
        /// Where it was looked for.
        namespace: Namespace,
        /// The id.
        id: ContainerId,
    },
    /// It is there, and what is stored of it cannot be used.
    #[error("container {id} in namespace {namespace} cannot be used: {reason}")]
    Unusable {
        /// Whose it is.
        namespace: Namespace,
        /// The id.
        id: ContainerId,
        /// What is wrong.
        reason: String,
    },
    /// The source did not answer.
    #[error(transparent)]
    Store(StoreError),
}

/// Where containers are stored.
#[async_trait]
pub trait ContainerStore: Send + Sync + 'static {
    /// A container, as it is stored now.
    async fn get(
        &self,
        namespace: &Namespace,
        id: &ContainerId,
        deadline: Deadline,
    ) -> Result<StoredContainer, ContainerError>;
}

/// The store of a source that has none.
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
