//! The seam between the use case and the machine: what is asked of it.

use crate::domain::cdi_files::CdiFiles;
use crate::domain::host_device::{Found, Lookup};
use async_trait::async_trait;

/// Devices of the machine that will run the container.
#[async_trait]
pub trait DeviceSource: Send + Sync {
    /// What lies at each path, one answer a question.
    async fn look(&self, lookups: Vec<Lookup>) -> Vec<Found>;
}

/// CDI specifications of the machine that will run the container.
#[async_trait]
pub trait CdiSource: Send + Sync {
    /// What is there now.
    async fn files(&self) -> CdiFiles;
}

/// A machine of which nothing is known.
#[async_trait]
impl DeviceSource for () {
    async fn look(&self, lookups: Vec<Lookup>) -> Vec<Found> {
        lookups.iter().map(|_| Found::Absent).collect()
    }
}

#[async_trait]
impl CdiSource for () {
    async fn files(&self) -> CdiFiles {
        CdiFiles::default()
    }
}
