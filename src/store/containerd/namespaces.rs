//! Reads the labels of a namespace: `Namespaces.Get`.

use super::status::Failure;
use super::{Containerd, headers};
use crate::api::pb::containerd::{GetNamespaceRequest, NamespacesClient};
use crate::domain::ids::{Namespace, Snapshotter};
use crate::store::{Deadline, NamespaceDefaults, NamespaceStore, SnapshotError};
use async_trait::async_trait;
use std::sync::Arc;

/// The label with the default snapshotter. containerd: `defaults.DefaultSnapshotterNSLabel`.
const SNAPSHOTTER: &str = "containerd.io/defaults/snapshotter";

/// The label with the default runtime. containerd: `defaults.DefaultRuntimeNSLabel`.
const RUNTIME: &str = "containerd.io/defaults/runtime";

#[async_trait]
impl NamespaceStore for Containerd {
    /// containerd: `Client.resolveSnapshotterName`, `Client.defaultRuntime`.
    async fn defaults(
        &self,
        namespace: &Namespace,
        deadline: Deadline,
    ) -> Result<Arc<NamespaceDefaults>, SnapshotError> {
        let call = self.call("Namespaces.Get", deadline);
        let message = GetNamespaceRequest { name: namespace.to_string() };
        let request = headers::request(&call, namespace, message)?;
        let mut client = NamespacesClient::new(self.channel.clone());
        let answer = match call.bounded(client.get(request)).await {
            Ok(answer) => answer.into_inner(),
            Err(Failure::Absent) => return Ok(Arc::default()),
            Err(Failure::Store(error)) => return Err(error.into()),
        };
        let mut labels = answer.namespace.map(|namespace| namespace.labels).unwrap_or_default();
        let mut value = |label| labels.remove(label).filter(|value| !value.is_empty());
        let snapshotter = value(SNAPSHOTTER).map(|name| {
            Snapshotter::parse(&name).map_err(|error| {
                let label = format!("label {SNAPSHOTTER} of namespace {namespace}");
                SnapshotError::Label(format!("{label}: {error}"))
            })
        });
        let snapshotter = snapshotter.transpose()?;
        Ok(Arc::new(NamespaceDefaults { snapshotter, runtime: value(RUNTIME) }))
    }
}
