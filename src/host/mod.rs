//! This machine: its facts, read once at start; its devices and CDI specifications, read when a request
//! asks for them.

pub mod cdi_directories;
pub mod dev;
mod rooted;
pub mod source;
pub mod stated;

use crate::domain::host_facts::{CgroupVersion, HostFacts, parse_cpus, parse_kernel};
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
    HostFacts {
        thermal_throttle_cpus: cpus,
        kernel,
        cgroup_version: read_cgroup_version(),
        ..HostFacts::default()
    }
}

/// The version of the control groups; nothing where none are mounted. containerd: `cgroups.Mode`.
fn read_cgroup_version() -> Option<CgroupVersion> {
    let directory = Path::new("/sys/fs/cgroup");
    if directory.join("cgroup.controllers").exists() {
        return Some(CgroupVersion::V2);
    }
    // A line for each hierarchy of version 1 begins with its number, which is 0 for version 2.
    let hierarchies = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    hierarchies.lines().any(|line| !line.starts_with("0:")).then_some(CgroupVersion::V1)
}
