//! The facts of a machine in a file: `specd host-facts` prints it, and `--host-facts` reads it elsewhere.

use crate::domain::host_device::{Found, HostNode, Lookup};
use crate::domain::host_facts::{
    CgroupVersion, HostFacts, RuntimeFeatures, parse_cpus, parse_kernel,
};
use crate::domain::limits::DEVICE_ENTRIES;
use crate::domain::stated_devices::StatedDevices;
use crate::host;
use crate::host::rooted::{Root, Walk};
use crate::host::source::DeviceSource;
use async_trait::async_trait;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
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
    /// The version of the control groups: 1, or 2 where there is no other.
    #[serde(skip_serializing_if = "Option::is_none")]
    cgroup_version: Option<CgroupVersion>,
    /// The names of the loaded AppArmor profiles.
    #[serde(skip_serializing_if = "Option::is_none")]
    apparmor_profiles: Option<Vec<String>>,
    /// What `runc features` prints, or the part of it that is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    runtime_features: Option<RuntimeFeatures>,
    /// Every device.
    #[serde(skip_serializing_if = "Option::is_none")]
    devices: Option<Vec<HostNode>>,
    /// Symbolic links to devices and to directories of them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    device_links: BTreeMap<String, String>,
}

/// A file of facts that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("--{flag}: {path}: {reason}")]
pub struct FactsError {
    /// The flag that names the file.
    pub flag: &'static str,
    /// The file.
    pub path: String,
    /// What is wrong with it.
    pub reason: String,
    /// Whether it cannot be read; otherwise its content is wrong.
    pub is_unreadable: bool,
}

/// Reads a file of facts. Its facts replace those that are known without it.
///
/// # Errors
///
/// [`FactsError`], with the position if the JSON is invalid.
pub fn read(path: &Path, facts: HostFacts) -> Result<HostFacts, FactsError> {
    read_file("host-facts", path, |text| parse(text, facts))
}

/// Reads what `runc features` has printed.
///
/// # Errors
///
/// [`FactsError`], with the position if the JSON is invalid.
pub fn read_runtime_features(path: &Path) -> Result<RuntimeFeatures, FactsError> {
    read_file("runtime-features", path, parse_object)
}

fn read_file<T>(
    flag: &'static str,
    path: &Path,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<T, FactsError> {
    let failed = |reason: String, is_unreadable| FactsError {
        flag,
        path: path.display().to_string(),
        reason,
        is_unreadable,
    };
    let unreadable = |error: io::Error| {
        if error.kind() == io::ErrorKind::InvalidData {
            return failed("it is not UTF-8 text".to_owned(), false);
        }
        failed(error.to_string(), true)
    };
    if std::fs::metadata(path).map_err(unreadable)?.len() > BYTES {
        return Err(failed(format!("it exceeds the limit of {BYTES} bytes"), false));
    }
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    parse(&text).map_err(|reason| failed(reason, false))
}

fn parse_object<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    if !text.trim_start().starts_with('{') {
        return Err("it must be a JSON object".to_owned());
    }
    serde_json::from_str(text).map_err(|error| error.to_string())
}

/// The facts that a text states, and the others for those that it does not state.
///
/// # Errors
///
/// A sentence on the first invalid fact.
pub fn parse(text: &str, facts: HostFacts) -> Result<HostFacts, String> {
    let form: Form = parse_object(text)?;
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
        cgroup_version: form.cgroup_version.or(facts.cgroup_version),
        apparmor_profiles: form.apparmor_profiles.or(facts.apparmor_profiles),
        runtime_features: form.runtime_features.or(facts.runtime_features),
        devices: devices.or(facts.devices),
    })
}

/// Every fact of this machine, with the devices below a root and the features of its runtime, in the form of the file.
///
/// # Errors
///
/// The reason why its devices cannot be listed.
pub fn of_this_machine(
    root: PathBuf,
    runtime_features: Option<RuntimeFeatures>,
) -> io::Result<Form> {
    let HostFacts { thermal_throttle_cpus, kernel: (major, minor), cgroup_version, .. } =
        host::read();
    let cpus: Vec<String> = thermal_throttle_cpus.iter().map(ToString::to_string).collect();
    let last = std::fs::read_to_string("/proc/sys/kernel/cap_last_cap").ok();
    // Without AppArmor there is no such file; it is readable only by root.
    let profiles = std::fs::read_to_string("/sys/kernel/security/apparmor/profiles").ok();
    let mut left = DEVICE_ENTRIES;
    let walked = Root::new(root).walk("/dev", "/dev", Walk::All, &mut left)?;
    Ok(Form {
        kernel: Some(format!("{major}.{minor}")),
        thermal_throttle_cpus: Some(cpus.join(",")),
        last_capability: last.and_then(|last| last.trim().parse().ok()),
        cgroup_version,
        apparmor_profiles: profiles.as_deref().map(parse_apparmor_profiles),
        runtime_features,
        devices: Some(walked.nodes),
        device_links: walked.links,
    })
}

/// The names in the kernel's list of AppArmor profiles, a line each, for example `docker-default (enforce)`.
fn parse_apparmor_profiles(text: &str) -> Vec<String> {
    let name = |line: &str| line.rsplit_once(" (").map_or(line, |(name, _)| name).to_owned();
    text.lines().map(name).collect()
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
        let features = parse_object(r#"{"mountOptions": ["rro"], "hooks": []}"#).unwrap();
        let form = of_this_machine(PathBuf::from("/"), Some(features)).unwrap();
        let text = serde_json::to_string(&form).unwrap();
        let facts = parse(&text, HostFacts::default()).unwrap();
        assert_eq!((facts.kernel, facts.thermal_throttle_cpus, facts.cgroup_version), {
            let here = host::read();
            (here.kernel, here.thermal_throttle_cpus, here.cgroup_version)
        });
        let options = facts.runtime_features.unwrap().mount_options;
        assert_eq!(options, Some(vec!["rro".to_owned()]));
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
    fn names_of_apparmor_profiles_may_have_blanks() {
        let text = "/usr/bin/man (enforce)\ndocker-default (enforce)\na (b) c (complain)\n";
        let names = ["/usr/bin/man", "docker-default", "a (b) c"];
        assert_eq!(parse_apparmor_profiles(text), names);
    }

    #[test]
    fn a_file_overrides_and_keeps() {
        let here =
            HostFacts { thermal_throttle_cpus: vec![1], kernel: (6, 1), ..HostFacts::default() };
        let facts = parse(r#"{"kernel": "5.10", "lastCapability": 37}"#, here.clone()).unwrap();
        assert_eq!(facts.kernel, (5, 10));
        assert_eq!((facts.thermal_throttle_cpus, facts.last_capability), (vec![1], Some(37)));
        let text =
            r#"{"cgroupVersion": 2, "apparmorProfiles": ["p"], "runtimeFeatures": {"x": 1}}"#;
        let facts = parse(text, here.clone()).unwrap();
        assert_eq!(facts.cgroup_version, Some(CgroupVersion::V2));
        assert_eq!(facts.apparmor_profiles, Some(vec!["p".to_owned()]));
        assert_eq!(facts.runtime_features, Some(RuntimeFeatures::default()));
        assert_eq!(parse("{}", facts.clone()).unwrap(), facts);
        assert_eq!(parse("{}", here.clone()).unwrap(), here);
        for text in [
            "",
            "[]",
            r#"{"kernels": "6.1"}"#,
            r#"{"kernel": "new"}"#,
            r#"{"thermalThrottleCpus": "x"}"#,
            r#"{"lastCapability": 400}"#,
            r#"{"cgroupVersion": 3}"#,
            r#"{"apparmorProfiles": "p"}"#,
            r#"{"runtimeFeatures": {"mountOptions": {}}}"#,
            r#"{"devices": [{"path": "/dev/x"}]}"#,
            r#"{"deviceLinks": {"/dev/a": "/dev/b"}}"#,
        ] {
            assert!(parse(text, here.clone()).is_err(), "{text}");
        }
    }
}
