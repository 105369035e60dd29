//! The trait for namespaces: which defaults do the labels of one set?

use crate::domain::ids::{Namespace, Snapshotter};
use crate::store::{Deadline, SnapshotError};
use async_trait::async_trait;
use std::sync::Arc;

/// The defaults of a namespace, where its labels set them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NamespaceDefaults {
    /// The snapshotter.
    pub snapshotter: Option<Snapshotter>,
    /// The name of the runtime.
    pub runtime: Option<String>,
}

/// A store of namespaces.
#[async_trait]
pub trait NamespaceStore: Send + Sync + 'static {
    /// The defaults of a namespace; a namespace that does not exist has none.
    async fn defaults(
        &self,
        namespace: &Namespace,
        deadline: Deadline,
    ) -> Result<Arc<NamespaceDefaults>, SnapshotError>;
}
