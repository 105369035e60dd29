//! Snapshots, held while their directories are read.
//!
//! A committed snapshot has no mounts of its own, so a view is created on it, under a lease that ends by
//! itself: if specd dies meanwhile, containerd's garbage collector removes both. A container's own snapshot
//! is not changed, and asked for again at the end.
//!
//! Invariant: the removal of a view is always requested, also if the caller is gone or the answer to its
//! creation is lost.

use super::outgoing::Outgoing;
use super::status::{Call, Failure};
use super::{Containerd, headers};
use crate::api::pb::containerd::{
    self as pb, CreateLeaseRequest, DeleteLeaseRequest, LeasesClient, MountsRequest,
    RemoveSnapshotRequest, SnapshotKind, SnapshotsClient, StatSnapshotRequest, ViewSnapshotRequest,
};
use crate::domain::ids::{Namespace, Snapshotter};
use crate::image::snapshot::key::SnapshotKey;
use crate::store::{
    Deadline, HeldSnapshot, Mount, SnapshotError, SnapshotHold, SnapshotStore, StoreError,
};
use async_trait::async_trait;
use std::collections::HashMap;
use std::time::SystemTime;
use tonic::Request;
use tonic::metadata::MetadataValue;

/// The label with the time at which a lease ends. containerd: `labelGCExpire`.
const EXPIRE: &str = "containerd.io/gc.expire";

/// The header that adds what a call creates to a lease. containerd: `leases.GRPCHeader`.
const LEASE_HEADER: &str = "containerd-lease";

/// One snapshotter in one namespace.
#[derive(Clone)]
struct Place {
    containerd: Containerd,
    namespace: Namespace,
    snapshotter: Snapshotter,
    deadline: Deadline,
}

#[async_trait]
impl SnapshotStore for Containerd {
    async fn hold(
        &self,
        namespace: &Namespace,
        snapshotter: &Snapshotter,
        key: &SnapshotKey,
        deadline: Deadline,
    ) -> Result<HeldSnapshot, SnapshotError> {
        let (namespace, snapshotter) = (namespace.clone(), snapshotter.clone());
        let place = Place { containerd: self.clone(), namespace, snapshotter, deadline };
        match place.kind(key).await? {
            SnapshotKind::Committed => {
                // Before the call: one without an answer may have created the view.
                let view = View { place: Some(place.clone()), name: unique_name() };
                let mounts = place.view(key, &view.name).await?;
                Ok(HeldSnapshot { mounts, hold: Box::new(view) })
            }
            SnapshotKind::Active | SnapshotKind::View | SnapshotKind::Unknown => {
                let mounts = place.mounts(key).await?;
                let hold = StillThere { place, key: key.clone(), mounts: mounts.clone() };
                Ok(HeldSnapshot { mounts, hold: Box::new(hold) })
            }
        }
    }
}

/// A unique name, for a view and for its lease.
fn unique_name() -> String {
    format!("specd-view-{:032x}", fastrand::u128(..))
}

impl Place {
    fn request<T>(&self, call: &Call, message: T) -> Result<Request<T>, StoreError> {
        headers::request(call, &self.namespace, message)
    }

    fn snapshots(&self) -> SnapshotsClient<Outgoing> {
        SnapshotsClient::new(self.containerd.channel.clone())
    }

    fn leases(&self) -> LeasesClient<Outgoing> {
        LeasesClient::new(self.containerd.channel.clone())
    }

    fn failed(&self, failure: Failure, key: &SnapshotKey) -> SnapshotError {
        match failure {
            Failure::Absent => {
                let (snapshotter, key) = (self.snapshotter.clone(), key.clone());
                SnapshotError::Absent { snapshotter, key }
            }
            Failure::Store(error) => error.into(),
        }
    }

    async fn kind(&self, key: &SnapshotKey) -> Result<SnapshotKind, SnapshotError> {
        let call = self.containerd.call("Snapshots.Stat", self.deadline);
        let (snapshotter, text) = (self.snapshotter.to_string(), key.to_string());
        let request = self.request(&call, StatSnapshotRequest { snapshotter, key: text })?;
        let answer = call.bounded(self.snapshots().stat(request)).await;
        let answer = answer.map_err(|failure| self.failed(failure, key))?;
        Ok(answer.into_inner().info.map(|info| info.kind()).unwrap_or_default())
    }

    async fn mounts(&self, key: &SnapshotKey) -> Result<Vec<Mount>, SnapshotError> {
        let call = self.containerd.call("Snapshots.Mounts", self.deadline);
        let (snapshotter, text) = (self.snapshotter.to_string(), key.to_string());
        let request = self.request(&call, MountsRequest { snapshotter, key: text })?;
        let answer = call.bounded(self.snapshots().mounts(request)).await;
        let answer = answer.map_err(|failure| self.failed(failure, key))?;
        Ok(answer.into_inner().mounts.into_iter().map(mount).collect())
    }

    /// Creates a lease, and in it a view.
    async fn view(&self, parent: &SnapshotKey, name: &str) -> Result<Vec<Mount>, SnapshotError> {
        let call = self.containerd.call("Leases.Create", self.deadline);
        let end = humantime::format_rfc3339_seconds(SystemTime::now() + self.containerd.lease);
        let labels = HashMap::from([(EXPIRE.to_owned(), end.to_string())]);
        let request = self.request(&call, CreateLeaseRequest { id: name.to_owned(), labels })?;
        let made = call.bounded(self.leases().create(request)).await;
        made.map_err(|failure| failure.or_invalid(&call))?;

        let call = self.containerd.call("Snapshots.View", self.deadline);
        let (snapshotter, key) = (self.snapshotter.to_string(), name.to_owned());
        let message = ViewSnapshotRequest { snapshotter, key, parent: parent.to_string() };
        let mut request = self.request(&call, message)?;
        let lease = MetadataValue::try_from(name).map_err(|error| call.invalid(error))?;
        request.metadata_mut().insert(LEASE_HEADER, lease);
        let answer = call.bounded(self.snapshots().view(request)).await;
        let answer = answer.map_err(|failure| self.failed(failure, parent))?;
        Ok(answer.into_inner().mounts.into_iter().map(mount).collect())
    }

    /// Removes a view and then its lease, if they were created. A view that is created later, without its
    /// lease, is removed by the garbage collector.
    async fn remove(&self, name: &str) {
        let call = self.containerd.call("Snapshots.Remove", self.deadline);
        let (snapshotter, key) = (self.snapshotter.to_string(), name.to_owned());
        let removed = match self.request(&call, RemoveSnapshotRequest { snapshotter, key }) {
            Ok(request) => call.bounded(self.snapshots().remove(request)).await.map(drop),
            Err(error) => Err(Failure::Store(error)),
        };
        let call = self.containerd.call("Leases.Delete", self.deadline);
        let ended = match self.request(&call, DeleteLeaseRequest { id: name.to_owned() }) {
            Ok(request) => call.bounded(self.leases().delete(request)).await.map(drop),
            Err(error) => Err(Failure::Store(error)),
        };
        for result in [removed, ended] {
            if let Err(Failure::Store(error)) = result {
                tracing::warn!(view = name, %error, "a view is left to the end of its lease");
            }
        }
    }
}

fn mount(mount: pb::Mount) -> Mount {
    let pb::Mount { r#type: kind, source, target, options } = mount;
    Mount { kind, source, target, options }
}

/// A view of a committed snapshot, removed when this is dropped.
struct View {
    /// Absent once the removal has begun.
    place: Option<Place>,
    name: String,
}

impl View {
    /// Begins the removal, which continues also if the caller is gone.
    fn begin_removal(&mut self) -> Option<tokio::task::JoinHandle<()>> {
        // Neither the deadline of the caller nor a containerd that does not answer at this moment ends it.
        let mut place = Place { deadline: Deadline::NONE, ..self.place.take()? };
        place.containerd.silence = None;
        let name = std::mem::take(&mut self.name);
        // Without a runtime this process is ending, and the end of the lease removes the view.
        let runtime = tokio::runtime::Handle::try_current().ok()?;
        Some(runtime.spawn(async move { place.remove(&name).await }))
    }
}

impl Drop for View {
    fn drop(&mut self) {
        let _goes_on = self.begin_removal();
    }
}

#[async_trait]
impl SnapshotHold for View {
    async fn release(mut self: Box<Self>) -> Result<(), SnapshotError> {
        if let Some(removal) = self.begin_removal() {
            let _ = removal.await;
        }
        Ok(())
    }
}

/// A snapshot of another client, which may remove it at any time.
struct StillThere {
    place: Place,
    key: SnapshotKey,
    mounts: Vec<Mount>,
}

#[async_trait]
impl SnapshotHold for StillThere {
    /// containerd deletes the record of a snapshot before its directories, and never reuses a directory.
    async fn release(self: Box<Self>) -> Result<(), SnapshotError> {
        if self.place.mounts(&self.key).await? == self.mounts {
            return Ok(());
        }
        let text = format!("snapshot {} was replaced while it was read", self.key);
        Err(SnapshotError::Store(StoreError::Unavailable(text)))
    }
}
