//! A CDI specification as it is written. CDI: `specs-go/config.go`.
//!
//! Unknown keys are refused, and null is as good as absent, as it is for Go's reader.

use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;

/// A file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct CdiSpec {
    #[serde(deserialize_with = "or_default")]
    pub(super) cdi_version: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) kind: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) annotations: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) devices: Vec<Device>,
    #[serde(deserialize_with = "or_default")]
    pub(super) container_edits: Edits,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Device {
    #[serde(deserialize_with = "or_default")]
    pub(super) name: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) annotations: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) container_edits: Edits,
}

/// What changes in a spec.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Edits {
    #[serde(deserialize_with = "or_default")]
    pub(super) env: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) device_nodes: Vec<DeviceNode>,
    #[serde(deserialize_with = "or_default")]
    pub(super) net_devices: Vec<NetDevice>,
    #[serde(deserialize_with = "or_default")]
    pub(super) hooks: Vec<Hook>,
    #[serde(deserialize_with = "or_default")]
    pub(super) mounts: Vec<Mount>,
    pub(super) intel_rdt: Option<IntelRdt>,
    #[serde(deserialize_with = "or_default")]
    pub(super) additional_gids: Vec<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct DeviceNode {
    #[serde(deserialize_with = "or_default")]
    pub(super) path: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) host_path: String,
    #[serde(rename = "type", deserialize_with = "or_default")]
    pub(super) kind: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) major: i64,
    #[serde(deserialize_with = "or_default")]
    pub(super) minor: i64,
    pub(super) file_mode: Option<u32>,
    #[serde(deserialize_with = "or_default")]
    pub(super) permissions: String,
    pub(super) uid: Option<u32>,
    pub(super) gid: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct NetDevice {
    #[serde(deserialize_with = "or_default")]
    pub(super) host_interface_name: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Hook {
    #[serde(deserialize_with = "or_default")]
    pub(super) hook_name: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) path: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) args: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) env: Vec<String>,
    pub(super) timeout: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Mount {
    #[serde(deserialize_with = "or_default")]
    pub(super) host_path: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) container_path: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) options: Vec<String>,
    #[serde(rename = "type", deserialize_with = "or_default")]
    pub(super) kind: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct IntelRdt {
    #[serde(rename = "closID", deserialize_with = "or_default")]
    pub(super) clos_id: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) l3_cache_schema: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) mem_bw_schema: String,
    /// Its presence requires a newer version, even if it is empty.
    pub(super) schemata: Option<Vec<String>>,
    #[serde(deserialize_with = "or_default")]
    pub(super) enable_monitoring: bool,
}

fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
