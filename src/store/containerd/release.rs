//! The release of the running containerd: `Version.Version`, asked once for each connection.
//!
//! Invariant: a release is kept no longer than the connection that it was asked over, since a new release of containerd
//! is another process.

use super::{Containerd, headers};
use crate::api::pb::containerd::VersionClient;
use crate::store::{Deadline, NodeRelease, StoreError};
use async_trait::async_trait;
use std::sync::Arc;
use tokio::sync::Mutex;

/// The release that was asked for last, and how many connections had ended by then.
pub(super) type Known = Arc<Mutex<Option<(u64, Arc<str>)>>>;

#[async_trait]
impl NodeRelease for Containerd {
    async fn release(&self, deadline: Deadline) -> Result<Arc<str>, StoreError> {
        // Held while containerd is asked: callers at the same time share the answer.
        let mut known = self.release.lock().await;
        let ended = self.connections.ended();
        if let Some((at, release)) = &*known
            && *at == ended
        {
            return Ok(Arc::clone(release));
        }
        let call = self.call("Version.Version", deadline);
        let mut client = VersionClient::new(self.channel.clone());
        let answer = call.bounded(client.version(headers::timed(&call, ()))).await;
        let answer = answer.map_err(|failure| failure.or_invalid(&call))?;
        let release: Arc<str> = answer.into_inner().version.into();
        *known = Some((ended, Arc::clone(&release)));
        Ok(release)
    }
}
