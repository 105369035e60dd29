//! The generated code: specd's API, gRPC's health protocol, and the part of containerd's API that is called.
//!
//! Invariant: generated code is included in this file only, and lints are waived in this file only.

#[allow(
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    clippy::doc_markdown,
    clippy::missing_errors_doc,
    clippy::wildcard_enum_match_arm
)]
mod generated {
    pub mod specd {
        tonic::include_proto!("specd.v1");
    }
    pub mod health {
        tonic::include_proto!("grpc.health.v1");
    }
    // A module for each package.
    include!(concat!(env!("OUT_DIR"), "/containerd.rs"));
}

/// Our own API.
pub mod specd {
    pub use super::generated::specd::spec_service_client::SpecServiceClient;
    pub use super::generated::specd::spec_service_server::{SpecService, SpecServiceServer};
    pub use super::generated::specd::*;

    /// The name of the service, as health checks and reflection know it.
    pub const SERVICE: &str = "specd.v1.SpecService";

    /// The descriptors of the API, for reflection.
    pub const DESCRIPTORS: &[u8] = tonic::include_file_descriptor_set!("specd_descriptor");
}

/// The health protocol of gRPC.
pub mod health {
    pub use super::generated::health::health_check_response::ServingStatus;
    pub use super::generated::health::health_server::{Health, HealthServer};
    pub use super::generated::health::{
        HealthCheckRequest, HealthCheckResponse, HealthListRequest, HealthListResponse,
    };

    /// The descriptors of the protocol, for reflection.
    pub const DESCRIPTORS: &[u8] = tonic::include_file_descriptor_set!("health_descriptor");
}

/// The part of containerd's API that is called.
pub mod containerd {
    use super::generated::containerd::services::{
        containers, content, images, leases, namespaces, snapshots, version,
    };

    pub use super::generated::containerd::types::{Descriptor, Mount};
    pub use containers::v1::{GetContainerRequest, containers_client::ContainersClient};
    pub use content::v1::content_client::ContentClient;
    pub use content::v1::{ReadContentRequest, ReadContentResponse};
    pub use images::v1::{GetImageRequest, ListImagesRequest, images_client::ImagesClient};
    pub use leases::v1::leases_client::LeasesClient;
    pub use leases::v1::{
        CreateRequest as CreateLeaseRequest, DeleteRequest as DeleteLeaseRequest,
    };
    pub use namespaces::v1::namespaces_client::NamespacesClient;
    pub use namespaces::v1::{GetNamespaceRequest, ListNamespacesRequest};
    pub use snapshots::v1::snapshots_client::SnapshotsClient;
    pub use snapshots::v1::{
        Kind as SnapshotKind, MountsRequest, RemoveSnapshotRequest, StatSnapshotRequest,
        ViewSnapshotRequest,
    };
    pub use version::v1::version_client::VersionClient;
}
