//! What moves with a namespace: clocks and network devices.

use crate::api::pb::specd as pb;
use crate::domain::sandbox::TimeOffset;
use crate::domain::violation::Violations;
use std::collections::BTreeMap;

pub(super) fn time_offsets(
    message: pb::TimeOffsets,
    wrong: &mut Violations,
) -> BTreeMap<&'static str, TimeOffset> {
    let clocks = [("boottime", message.boottime), ("monotonic", message.monotonic)];
    let mut offsets = BTreeMap::new();
    for (name, offset) in clocks {
        let Some(pb::TimeOffset { secs, nanosecs }) = offset else {
            continue;
        };
        if nanosecs >= 1_000_000_000 {
            let field = format!("options.namespaces.time_offsets.{name}.nanosecs");
            wrong.push(field, "must be below 1000000000");
        }
        offsets.insert(name, TimeOffset { secs, nanosecs });
    }
    offsets
}

/// runc: `validate.netDevices`, and the kernel's rule for names.
pub(super) fn net_devices(
    devices: std::collections::HashMap<String, String>,
    wrong: &mut Violations,
) -> BTreeMap<String, String> {
    let devices: BTreeMap<String, String> = devices.into_iter().collect();
    let mut inside = Vec::with_capacity(devices.len());
    for (host, container) in &devices {
        let field = format!("options.namespaces.net_devices[{host:?}]");
        let called = if container.is_empty() { host } else { container };
        if !is_device_name(host) || !is_device_name(called) {
            wrong.push(&field, "must be names of network devices: 1 to 15 bytes, as eth0");
        }
        if inside.contains(&called) {
            wrong.push(field, format_args!("{called:?} is the name of two devices"));
        }
        inside.push(called);
    }
    devices
}

fn is_device_name(name: &str) -> bool {
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && c != '/' && c != ':';
    (1..16).contains(&name.len()) && name != "." && name != ".." && name.chars().all(plain)
}
