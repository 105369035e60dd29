//! The traits through which the use case asks the machine.

use crate::domain::cdi_files::CdiFiles;
use crate::domain::host_device::{Found, Lookup};
use async_trait::async_trait;

/// Devices of the machine that will run the container.
#[async_trait]
pub trait DeviceSource: Send + Sync {
    /// What is at each path, in the same order.
    async fn look(&self, lookups: Vec<Lookup>) -> Vec<Found>;
}

/// CDI specifications of the machine that will run the container.
#[async_trait]
pub trait CdiSource: Send + Sync {
    /// The files at this moment.
    async fn files(&self) -> CdiFiles;
}

/// A machine without known devices.
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
