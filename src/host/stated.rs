//! The facts of a machine in a file: `specd host-facts` prints it, and `--host-facts` reads it elsewhere.

use crate::domain::host_device::{Found, HostNode, Lookup};
use crate::domain::host_facts::{HostFacts, parse_cpus, parse_kernel};
use crate::domain::limits::DEVICE_ENTRIES;
use crate::domain::stated_devices::StatedDevices;
use crate::host;
use crate::host::rooted::{Root, Walk};
use crate::host::source::DeviceSource;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The largest file, in bytes.
const BYTES: u64 = 16 << 20;

/// The format of the file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Form {
    /// The kernel's version, for example `6.1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    kernel: Option<String>,
    /// Processors with thermal throttle counters, for example `0-3`.
    #[serde(skip_serializing_if = "Option::is_none")]
    thermal_throttle_cpus: Option<String>,
    /// The number of the last capability.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_capability: Option<u8>,
    /// Every device.
    #[serde(skip_serializing_if = "Option::is_none")]
    devices: Option<Vec<HostNode>>,
    /// Symbolic links to devices and to directories of them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    device_links: BTreeMap<String, String>,
}

/// An invalid file of facts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("--host-facts: {path}: {reason}")]
pub struct FactsError {
    /// The file.
    pub path: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Reads a file of facts. Its facts replace those that are known without it.
///
/// # Errors
///
/// [`FactsError`], with the position if the JSON is invalid.
pub fn read(path: &Path, facts: HostFacts) -> Result<HostFacts, FactsError> {
    let stated = || -> Result<HostFacts, String> {
        let size = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
        if size > BYTES {
            return Err(format!("it exceeds the limit of {BYTES} bytes"));
        }
        let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
        parse(&text, facts)
    };
    stated().map_err(|reason| FactsError { path: path.display().to_string(), reason })
}

/// The facts that a text states, and the others for those that it does not state.
///
/// # Errors
///
/// A sentence on the first invalid fact.
pub fn parse(text: &str, facts: HostFacts) -> Result<HostFacts, String> {
    if !text.trim_start().starts_with('{') {
        return Err("it must be a JSON object".to_owned());
    }
    let form: Form = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let cpus = form.thermal_throttle_cpus.as_deref().map(parse_cpus).transpose()?;
    let kernel = form.kernel.as_deref().map(parse_kernel).transpose()?;
    let devices = match form.devices {
        Some(nodes) => Some(StatedDevices::new(nodes, form.device_links)?),
        None if form.device_links.is_empty() => None,
        None => return Err("deviceLinks needs devices".to_owned()),
    };
    Ok(HostFacts {
        thermal_throttle_cpus: cpus.unwrap_or(facts.thermal_throttle_cpus),
        kernel: kernel.unwrap_or(facts.kernel),
        last_capability: form.last_capability.or(facts.last_capability),
        devices: devices.or(facts.devices),
    })
}

/// Every fact of this machine, with the devices below a root, in the form of the file.
///
/// # Errors
///
/// The reason why its devices cannot be listed.
pub fn of_this_machine(root: PathBuf) -> std::io::Result<Form> {
    let HostFacts { thermal_throttle_cpus, kernel: (major, minor), .. } = host::read();
    let cpus: Vec<String> = thermal_throttle_cpus.iter().map(ToString::to_string).collect();
    let last = std::fs::read_to_string("/proc/sys/kernel/cap_last_cap").ok();
    let mut left = DEVICE_ENTRIES;
    let walked = Root::new(root).walk("/dev", "/dev", Walk::All, &mut left)?;
    Ok(Form {
        kernel: Some(format!("{major}.{minor}")),
        thermal_throttle_cpus: Some(cpus.join(",")),
        last_capability: last.and_then(|last| last.trim().parse().ok()),
        devices: Some(walked.nodes),
        device_links: walked.links,
    })
}

/// Devices from a file of facts.
#[derive(Debug, Clone)]
pub struct Stated(Arc<StatedDevices>);

impl Stated {
    /// These devices.
    #[must_use]
    pub fn new(devices: StatedDevices) -> Self {
        Self(Arc::new(devices))
    }
}

#[async_trait]
impl DeviceSource for Stated {
    async fn look(&self, lookups: Vec<Lookup>) -> Vec<Found> {
        lookups.iter().map(|lookup| self.0.look(lookup)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::host_device::Look;
    use crate::host::dev::Dev;

    #[test]
    fn what_this_machine_states_is_what_it_has() {
        let form = of_this_machine(PathBuf::from("/")).unwrap();
        let text = serde_json::to_string(&form).unwrap();
        let facts = parse(&text, HostFacts::default()).unwrap();
        assert_eq!((facts.kernel, facts.thermal_throttle_cpus), {
            let here = host::read();
            (here.kernel, here.thermal_throttle_cpus)
        });
        assert!(facts.last_capability.unwrap() > 30);
        let (stated, here) = (facts.devices.unwrap(), Dev::below(PathBuf::from("/")));
        for (path, look) in [
            ("/dev", Look::Tree),
            ("/dev/null", Look::Node),
            ("/dev/null", Look::Resolved),
            ("/dev/none", Look::Tree),
            ("/dev/", Look::Node),
        ] {
            let lookup = Lookup::new(path, look);
            let of_memory = |found: Found| match found {
                // Others come and go while a test runs.
                Found::Directory { path, mut nodes } => {
                    nodes.retain(|node| node.major == 1 && !node.path.contains("/ram"));
                    Found::Directory { path, nodes }
                }
                found @ (Found::Node(_)
                | Found::Absent
                | Found::Link
                | Found::Other(_)
                | Found::Unreadable(_)) => found,
            };
            let (stated, here) = (stated.look(&lookup), here.look_at(&lookup, &mut 10_000));
            assert_eq!(of_memory(stated), of_memory(here), "{path} {look:?}");
        }
    }

    #[test]
    fn a_file_overrides_and_keeps() {
        let here = HostFacts {
            thermal_throttle_cpus: vec![1],
            kernel: (6, 1),
            last_capability: None,
            devices: None,
        };
        let facts = parse(r#"{"kernel": "5.10", "lastCapability": 37}"#, here.clone()).unwrap();
        assert_eq!(facts.kernel, (5, 10));
        assert_eq!((facts.thermal_throttle_cpus, facts.last_capability), (vec![1], Some(37)));
        assert_eq!(parse("{}", here.clone()).unwrap(), here);
        for text in [
            "",
            "[]",
            r#"{"kernels": "6.1"}"#,
            r#"{"kernel": "new"}"#,
            r#"{"thermalThrottleCpus": "x"}"#,
            r#"{"lastCapability": 400}"#,
            r#"{"devices": [{"path": "/dev/x"}]}"#,
            r#"{"deviceLinks": {"/dev/a": "/dev/b"}}"#,
        ] {
            assert!(parse(text, here.clone()).is_err(), "{text}");
        }
    }
}
