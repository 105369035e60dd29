//! The trait for the release of containerd on a node.

use crate::store::{Deadline, StoreError};
use async_trait::async_trait;
use std::sync::Arc;

/// Says which release of containerd runs on the node.
#[async_trait]
pub trait NodeRelease: Send + Sync + 'static {
    /// The release as containerd states it, for example `v2.4.2`.
    async fn release(&self, deadline: Deadline) -> Result<Arc<str>, StoreError>;
}
