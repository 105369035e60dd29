//! containerd as a store of images, snapshots and containers, over its unix socket.
//!
//! It uses a few calls of the API: `Images.Get`, `Content.Read`, `Namespaces.Get` and `Version`; for an exec `Containers.Get`;
//! for a snapshot also `Snapshots` and `Leases`. Nothing is cached except the release of containerd. Nothing is written except the view of a
//! snapshot that is being read, under a lease that ends by itself.
//!
//! A call to containerd has the deadline of the call for which it is made.
//!
//! Invariant: dropping a future or a stream from here ends the call at containerd.

mod channel;
mod containers;
mod content;
mod headers;
mod images;
mod namespaces;
mod outgoing;
mod release;
mod snapshots;
mod status;

#[cfg(test)]
mod tests;

use crate::api::pb::containerd::VersionClient;
use crate::domain::ids::Namespace;
use crate::image::Descriptor;
use crate::image::reference::ImageName;
use crate::store::{BlobStream, Deadline, ImageStore, Resolved, StoreError};
use async_trait::async_trait;
use channel::Connections;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

pub use outgoing::Observer;
use outgoing::Outgoing;

/// How long containerd may take for one answer, or for the next chunk of a blob.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// How long a lease lasts if it is not deleted.
const LEASE: Duration = Duration::from_secs(120);

/// How long containerd may take to answer a ping.
const PING_WITHIN: Duration = Duration::from_secs(2);

/// containerd at a socket, connected when it is first needed and again after the connection has ended.
#[derive(Debug, Clone)]
pub struct Containerd {
    channel: Outgoing,
    socket: Arc<Path>,
    answer_within: Duration,
    ping_within: Duration,
    lease: Duration,
    connections: Connections,
    release: release::Known,
    silence: Option<Silence>,
}

/// Whether containerd is known not to answer: its calls then end at once instead of at their deadlines.
pub type Silence = watch::Receiver<bool>;

impl Containerd {
    /// containerd at the socket of a path; nothing is opened yet.
    ///
    /// To be called within a tokio runtime, which drives the connection.
    #[must_use]
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        let socket: Arc<Path> = socket.into().into();
        let connections = Connections::default();
        Self {
            channel: Outgoing {
                channel: channel::lazy(Arc::clone(&socket), connections.clone()),
                socket: Arc::clone(&socket),
                observer: Arc::new(()),
            },
            socket,
            answer_within: ANSWER_WITHIN,
            ping_within: PING_WITHIN,
            lease: LEASE,
            connections,
            release: release::Known::default(),
            silence: None,
        }
    }

    /// The same with other bounds on how long an answer may take.
    #[must_use]
    pub fn with_bounds(self, answer_within: Duration, ping_within: Duration) -> Self {
        Self { answer_within, ping_within, ..self }
    }

    /// The same with leases of another length: the view of a reader that has died is kept that long.
    ///
    /// Reading must take less.
    #[must_use]
    pub fn with_lease(self, lease: Duration) -> Self {
        Self { lease, ..self }
    }

    /// The same, with calls that end while containerd is known not to answer, except pings and the removal of views. Each ping
    /// without an answer also ends the connection: if its bytes are out of step, containerd answers on a new one.
    #[must_use]
    pub fn ending_in(self, silence: Silence) -> Self {
        let (connections, mut silent) = (self.connections.clone(), silence.clone());
        tokio::spawn(async move {
            while silent.changed().await.is_ok() {
                if *silent.borrow_and_update() {
                    connections.end();
                }
            }
        });
        Self { silence: Some(silence), ..self }
    }

    /// The same, with an observer of its calls.
    #[must_use]
    pub fn observed_by(mut self, observer: Arc<dyn Observer>) -> Self {
        self.channel.observer = observer;
        self
    }

    fn call(&self, method: &'static str, deadline: Deadline) -> status::Call {
        let within = self.answer_within;
        let (socket, silence) = (Arc::clone(&self.socket), self.silence.clone());
        status::Call { socket, method, within, deadline, silence }
    }
}

#[async_trait]
impl ImageStore for Containerd {
    async fn resolve(
        &self,
        namespace: &Namespace,
        name: &ImageName,
        deadline: Deadline,
    ) -> Result<Resolved, StoreError> {
        let call = self.call("Images.Get", deadline);
        images::resolve(self.channel.clone(), &call, namespace, name).await
    }

    async fn open(
        &self,
        namespace: &Namespace,
        blob: &Descriptor,
        deadline: Deadline,
    ) -> Result<BlobStream, StoreError> {
        let call = self.call("Content.Read", deadline);
        content::open(self.channel.clone(), call, namespace, &blob.digest).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        let call = status::Call {
            within: self.ping_within,
            silence: None,
            ..self.call("Version.Version", Deadline::NONE)
        };
        let mut client = VersionClient::new(self.channel.clone());
        call.bounded(client.version(())).await.map_err(|failure| failure.or_invalid(&call))?;
        Ok(())
    }
}
