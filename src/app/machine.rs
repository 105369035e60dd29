//! The machine that will run the container: this one, but for what is stated.

use crate::config::host::HostConfig;
use crate::domain::host_facts::HostFacts;
use crate::generate::Machine;
use crate::host;
use crate::host::cdi_directories::CdiDirectories;
use crate::host::dev::Dev;
use crate::host::source::DeviceSource;
use crate::host::stated::{self, FactsError, Stated};
use std::sync::Arc;

/// Its facts, and where devices are looked up: a flag is over the file, and the file over what is found here.
pub(super) fn of(config: &HostConfig) -> Result<(HostFacts, Machine), FactsError> {
    let mut facts = host::read();
    if let Some(path) = &config.facts {
        facts = stated::read(path, facts)?;
    }
    let cpus = config.thermal_throttle_cpus.clone();
    let facts = HostFacts {
        thermal_throttle_cpus: cpus.unwrap_or(facts.thermal_throttle_cpus),
        kernel: config.kernel.unwrap_or(facts.kernel),
        last_capability: config.last_capability.or(facts.last_capability),
        devices: facts.devices,
    };
    let devices: Arc<dyn DeviceSource> = match &facts.devices {
        Some(stated) => Arc::new(Stated::new(stated.clone())),
        None => Arc::new(Dev::below(config.dev_root.clone())),
    };
    let cdi = Arc::new(CdiDirectories::new(config.cdi_spec_dirs.clone()));
    Ok((facts, Machine { devices, cdi }))
}
