//! Where bytes come from: images, snapshots and containers.
//!
//! The traits are here, the stores that implement them in `containerd` and `oci_layout`; `metered` reports
//! what another store reads, and `shared` shares its lookups. None of them verifies or parses a blob: `image` does.

mod container_store;
pub mod containerd;
mod deadline;
mod image_store;
pub mod metered;
mod node_release;
pub mod oci_layout;
pub mod shared;
mod snapshot_store;

pub use container_store::{ContainerError, ContainerStore, NoContainers, StoredContainer};
pub use deadline::Deadline;
pub use image_store::{BlobStream, ImageStore, Resolved, StoreError};
pub use node_release::NodeRelease;
pub use snapshot_store::{HeldSnapshot, Mount, SnapshotError, SnapshotHold, SnapshotStore};
