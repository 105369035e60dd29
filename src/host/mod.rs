//! This machine: its facts, read once at start; its devices and CDI specifications, read when a request
//! asks for them.

pub mod cdi_directories;
pub mod dev;
mod rooted;
pub mod source;
pub mod stated;

use crate::domain::host_facts::{HostFacts, parse_cpus, parse_kernel};
use std::path::Path;

/// The facts of this machine. What cannot be read counts as absent, as in containerd.
///
/// containerd: `oci.appendCPUThrottlePaths`.
#[must_use]
pub fn read() -> HostFacts {
    let root = Path::new("/sys/devices/system/cpu");
    let possible = std::fs::read_to_string(root.join("possible")).unwrap_or_default();
    let mut cpus = parse_cpus(&possible).unwrap_or_default();
    cpus.retain(|cpu| root.join(format!("cpu{cpu}/thermal_throttle")).exists());
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    // An unknown kernel counts as the oldest: a filter then allows less, not more.
    let kernel = parse_kernel(&release).unwrap_or((0, 0));
    HostFacts { thermal_throttle_cpus: cpus, kernel, ..HostFacts::default() }
}
