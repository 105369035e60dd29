//! What a spec depends on of the machine that will run the container.
//!
//! Read once at start, or stated by flags where the spec is for another machine; the core never looks.

use crate::domain::stated_devices::StatedDevices;
use serde::{Deserialize, Serialize};

/// Facts of a host. What is not stated changes no spec, and breaks no rule.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HostFacts {
    /// The processors that have a directory `thermal_throttle` in sysfs, ascending.
    pub thermal_throttle_cpus: Vec<u32>,
    /// The first two numbers of the kernel's version.
    pub kernel: (u32, u32),
    /// The number of the last capability that the kernel knows, where it is stated; `ALL` is up to that one.
    pub last_capability: Option<u8>,
    /// The version of the control groups, where it is known.
    pub cgroup_version: Option<CgroupVersion>,
    /// The names of the AppArmor profiles that are loaded, where they are stated.
    pub apparmor_profiles: Option<Vec<String>>,
    /// What the runtime supports, where it is stated.
    pub runtime_features: Option<RuntimeFeatures>,
    /// The devices, where they are stated; otherwise they are looked at when they are asked for.
    pub devices: Option<StatedDevices>,
}

/// The version of the control groups that containers get.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum CgroupVersion {
    /// Version 1, or both versions.
    V1,
    /// Version 2 alone.
    V2,
}

impl TryFrom<u8> for CgroupVersion {
    type Error = String;

    fn try_from(number: u8) -> Result<Self, String> {
        match number {
            1 => Ok(Self::V1),
            2 => Ok(Self::V2),
            _ => Err(format!("invalid version {number} of control groups: expected 1 or 2")),
        }
    }
}

impl From<CgroupVersion> for u8 {
    fn from(version: CgroupVersion) -> Self {
        match version {
            CgroupVersion::V1 => 1,
            CgroupVersion::V2 => 2,
        }
    }
}

/// Reads the version of control groups: `1` or `2`.
///
/// # Errors
///
/// A sentence on what was expected.
pub fn parse_cgroup_version(text: &str) -> Result<CgroupVersion, String> {
    let number: u8 = text.parse().map_err(|_| "expected 1 or 2".to_owned())?;
    number.try_into()
}

/// What specs depend on of the features of a runtime, in the form of the runtime specification's `features.md`, which
/// `runc features` prints. A list that is absent is not known; any other is complete.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RuntimeFeatures {
    /// The mount options.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mount_options: Option<Vec<String>>,
    /// What only Linux has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub linux: Option<LinuxFeatures>,
}

/// The part of a runtime's features that only Linux has.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct LinuxFeatures {
    /// The types of namespaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespaces: Option<Vec<String>>,
    /// What mounts can have beside options.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mount_extensions: Option<MountExtensions>,
}

/// What mounts can have beside options.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MountExtensions {
    /// Mounts that map IDs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idmap: Option<Support>,
}

/// Whether a runtime has a feature.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Support {
    /// Whether it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

impl RuntimeFeatures {
    /// Whether mounts can map IDs. A runtime that does not say so cannot. containerd: `v2.supportsIDMapMounts`.
    #[must_use]
    pub fn maps_ids_of_mounts(&self) -> bool {
        let extensions = self.linux.as_ref().and_then(|linux| linux.mount_extensions.as_ref());
        let idmap = extensions.and_then(|extensions| extensions.idmap.as_ref());
        idmap.and_then(|idmap| idmap.enabled).unwrap_or_default()
    }

    /// The types of namespaces, where they are stated.
    #[must_use]
    pub fn namespaces(&self) -> Option<&[String]> {
        self.linux.as_ref().and_then(|linux| linux.namespaces.as_deref())
    }
}

/// Reads the first two numbers of a kernel's release: `6.1.0-18-amd64` is 6.1.
///
/// # Errors
///
/// A sentence where there are none.
pub fn parse_kernel(text: &str) -> Result<(u32, u32), String> {
    let mut parts = text.trim().split(|c: char| !c.is_ascii_digit());
    let mut next = || parts.next().and_then(|part| part.parse().ok());
    match (next(), next()) {
        (Some(major), Some(minor)) => Ok((major, minor)),
        _ => Err(format!("invalid kernel version {text:?}: expected MAJOR.MINOR, for example 6.1")),
    }
}

/// The most processors that Linux can be built for.
const CPUS: u32 = 8192;

/// Reads a list of processors as the kernel writes them: `0-3,5`.
///
/// # Errors
///
/// A sentence on the invalid part.
pub fn parse_cpus(text: &str) -> Result<Vec<u32>, String> {
    let mut cpus = Vec::new();
    for part in text.trim().split(',').filter(|part| !part.is_empty()) {
        let wrong =
            || format!("invalid CPU list at {part:?}: expected CPUs and ranges, for example 0-3,5");
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let number = |text: &str| text.parse::<u32>().ok().filter(|cpu| *cpu < CPUS);
        let (first, last) = (number(first).ok_or_else(wrong)?, number(last).ok_or_else(wrong)?);
        if first > last {
            return Err(wrong());
        }
        cpus.extend(first..=last);
    }
    cpus.sort_unstable();
    cpus.dedup();
    Ok(cpus)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_are_two_numbers() {
        assert_eq!(parse_kernel("6.18.44-fc\n"), Ok((6, 18)));
        assert_eq!(parse_kernel("5.10"), Ok((5, 10)));
        assert!(parse_kernel("6").is_err() && parse_kernel("v6.1").is_err());
    }

    #[test]
    fn versions_of_control_groups_are_two() {
        assert_eq!(parse_cgroup_version("2"), Ok(CgroupVersion::V2));
        assert_eq!(serde_json::to_string(&CgroupVersion::V1).unwrap(), "1");
        for text in ["", "3", "v2", "-1"] {
            assert!(parse_cgroup_version(text).unwrap_err().contains("expected 1 or 2"), "{text}");
        }
    }

    #[test]
    fn a_runtime_that_does_not_say_so_maps_no_ids() {
        let read = |text: &str| serde_json::from_str::<RuntimeFeatures>(text).unwrap();
        let whole = r#"{"ociVersionMax": "1.3.0", "mountOptions": ["ro"], "linux": {"namespaces": ["time"],
            "mountExtensions": {"idmap": {"enabled": true}}, "cgroup": {"v2": true}}}"#;
        let features = read(whole);
        assert!(features.maps_ids_of_mounts());
        assert_eq!(features.namespaces(), Some(&["time".to_owned()][..]));
        for text in ["{}", r#"{"linux": {"mountExtensions": {"idmap": {"enabled": false}}}}"#] {
            assert!(!read(text).maps_ids_of_mounts(), "{text}");
            assert_eq!(read(text).namespaces(), None);
        }
    }

    #[test]
    fn lists_are_the_kernels() {
        assert_eq!(parse_cpus("0-3,5\n"), Ok(vec![0, 1, 2, 3, 5]));
        assert_eq!(parse_cpus("7,1,1"), Ok(vec![1, 7]));
        assert_eq!(parse_cpus(""), Ok(vec![]));
        for text in ["x", "3-1", "-1", "0-4000000000", "1-2-3"] {
            assert!(parse_cpus(text).is_err(), "{text}");
        }
    }
}
