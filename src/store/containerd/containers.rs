//! Ids to containers: `Containers.Get`.

use super::status::Failure;
use super::{Containerd, namespace};
use crate::domain::ids::{ContainerId, Namespace};
use crate::pb::containerd::{ContainersClient, GetContainerRequest};
use crate::store::container_store::{ContainerError, ContainerStore, StoredContainer};
use crate::store::image_store::SourceError;
use async_trait::async_trait;

#[async_trait]
impl ContainerStore for Containerd {
    async fn get(
        &self,
        namespace: &Namespace,
        id: &ContainerId,
    ) -> Result<StoredContainer, ContainerError> {
        let call = self.call("Containers.Get");
        let failed = |error: SourceError| match error {
            // What containerd answers about a container says nothing of an image.
            SourceError::Invalid(reason) => {
                ContainerError::Unusable { namespace: namespace.clone(), id: id.clone(), reason }
            }
            other @ (SourceError::ImageNotFound { .. }
            | SourceError::BlobAbsent { .. }
            | SourceError::Unavailable(_)) => ContainerError::Source(other),
        };
        let message = GetContainerRequest { id: id.to_string() };
        let request = namespace::within(&call, namespace, message).map_err(failed)?;
        let mut client = ContainersClient::new(self.channel.clone());
        let answer = call.bounded(client.get(request)).await.map_err(|failure| match failure {
            Failure::Absent => {
                ContainerError::NotFound { namespace: namespace.clone(), id: id.clone() }
            }
            Failure::Source(error) => failed(error),
        })?;
        let container = answer.into_inner().container.unwrap_or_default();
        let spec = container.spec.unwrap_or_default();
        Ok(StoredContainer {
            type_url: spec.type_url,
            spec: spec.value,
            snapshotter: container.snapshotter,
            snapshot_key: container.snapshot_key,
        })
    }
}
