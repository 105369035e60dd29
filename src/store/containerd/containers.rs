//! Reads a container by its id: `Containers.Get`.

use super::status::Failure;
use super::{Containerd, headers};
use crate::api::pb::containerd::{ContainersClient, GetContainerRequest};
use crate::domain::ids::{ContainerId, Namespace};
use crate::store::{ContainerError, ContainerStore, Deadline, StoreError, StoredContainer};
use async_trait::async_trait;

#[async_trait]
impl ContainerStore for Containerd {
    async fn get(
        &self,
        namespace: &Namespace,
        id: &ContainerId,
        deadline: Deadline,
    ) -> Result<StoredContainer, ContainerError> {
        let call = self.call("Containers.Get", deadline);
        let failed = |error: StoreError| match error {
            // An invalid answer about a container does not make the image invalid.
            StoreError::Invalid(reason) => {
                ContainerError::Unusable { namespace: namespace.clone(), id: id.clone(), reason }
            }
            other @ (StoreError::ImageNotFound { .. }
            | StoreError::BlobAbsent { .. }
            | StoreError::Unavailable(_)) => ContainerError::Store(other),
        };
        let message = GetContainerRequest { id: id.to_string() };
        let request = headers::request(&call, namespace, message).map_err(failed)?;
        let mut client = ContainersClient::new(self.channel.clone());
        let answer = call.bounded(client.get(request)).await.map_err(|failure| match failure {
            Failure::Absent => {
                ContainerError::NotFound { namespace: namespace.clone(), id: id.clone() }
            }
            Failure::Store(error) => failed(error),
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
