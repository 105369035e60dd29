//! A CDI specification as it is written. CDI: `specs-go/config.go`.
//!
//! Unknown keys are refused, and null is as good as absent, as it is for Go's reader.

use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;

/// Objects with their fields. A field with `null` has its default.
macro_rules! objects {
    ($($(#[$about:meta])* $object:ident { $($(#[$attribute:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
        #[serde(default, deny_unknown_fields, rename_all = "camelCase")]
        pub(super) struct $object {
            $(
                $(#[$attribute])*
                #[serde(deserialize_with = "or_default")]
                pub(super) $field: $type,
            )*
        }
    )*};
}

objects! {
    /// A file.
    CdiSpec {
        cdi_version: String,
        kind: String,
        annotations: BTreeMap<String, String>,
        devices: Vec<Device>,
        container_edits: Edits,
    }
    Device {
        name: String,
        annotations: BTreeMap<String, String>,
        container_edits: Edits,
    }

    /// What changes in a spec.
    Edits {
        env: Vec<String>,
        device_nodes: Vec<DeviceNode>,
        net_devices: Vec<NetDevice>,
        hooks: Vec<Hook>,
        mounts: Vec<Mount>,
        intel_rdt: Option<IntelRdt>,
        additional_gids: Vec<u32>,
    }
    DeviceNode {
        path: String,
        host_path: String,
        #[serde(rename = "type")]
        kind: String,
        major: i64,
        minor: i64,
        file_mode: Option<u32>,
        permissions: String,
        uid: Option<u32>,
        gid: Option<u32>,
    }
    NetDevice {
        host_interface_name: String,
        name: String,
    }
    Hook {
        hook_name: String,
        path: String,
        args: Vec<String>,
        env: Vec<String>,
        timeout: Option<i64>,
    }
    Mount {
        host_path: String,
        container_path: String,
        options: Vec<String>,
        #[serde(rename = "type")]
        kind: String,
    }
    IntelRdt {
        #[serde(rename = "closID")]
        clos_id: String,
        l3_cache_schema: String,
        mem_bw_schema: String,
        /// Its presence requires a newer version, even if it is empty.
        schemata: Option<Vec<String>>,
        enable_monitoring: bool,
    }
}

fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
