//! Where bytes come from: images, snapshots and containers.
//!
//! The traits are here, the stores that implement them in `containerd` and `oci_layout`; `metered` reports
//! what another store reads, `shared` shares its lookups, and `remembered` keeps the defaults of namespaces for a while.
//! None of them verifies or parses a blob: `image` does.

mod container_store;
pub mod containerd;
mod deadline;
mod image_store;
pub mod metered;
mod namespace_store;
mod node_release;
pub mod oci_layout;
pub mod remembered;
pub mod shared;
mod snapshot_store;

pub use container_store::{ContainerError, ContainerStore, NoContainers, StoredContainer};
pub use deadline::Deadline;
pub use image_store::{BlobStream, ImageStore, Resolved, StoreError};
pub use namespace_store::{NamespaceDefaults, NamespaceStore};
pub use node_release::NodeRelease;
pub use snapshot_store::{HeldSnapshot, Mount, SnapshotError, SnapshotHold, SnapshotStore};
