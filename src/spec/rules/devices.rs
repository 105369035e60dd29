//! Device nodes, and the rules of the device controller.

use super::Findings;
use crate::oci::{Device, DeviceRule, Spec, place};

fn nodes(spec: &Spec) -> impl Iterator<Item = (usize, &Device)> {
    spec.linux.iter().flat_map(|linux| &linux.devices).enumerate()
}

/// A node has a type that can be created.
pub(super) fn kind(spec: &Spec, findings: &mut Findings) {
    for (index, device) in nodes(spec) {
        if !["c", "u", "b", "p"].contains(&device.kind.as_str()) {
            findings.add(place!["linux", "devices", index, "type"], "must be c, u, b or p");
        }
    }
}

/// A node has the numbers of a device.
pub(super) fn numbers(spec: &Spec, findings: &mut Findings) {
    for (index, device) in nodes(spec).filter(|(_, device)| device.kind != "p") {
        for (name, number) in [("major", device.major), ("minor", device.minor)] {
            if number < 0 {
                findings.add(place!["linux", "devices", index, name], "must not be below 0");
            }
        }
    }
}

/// A node has an absolute path.
pub(super) fn path(spec: &Spec, findings: &mut Findings) {
    for (index, device) in nodes(spec) {
        if !device.path.is_empty() && !device.path.starts_with('/') {
            findings.add(place!["linux", "devices", index, "path"], "must be an absolute path");
        }
    }
}

fn rules(spec: &Spec) -> impl Iterator<Item = (usize, &DeviceRule)> {
    let resources = spec.linux.as_ref().and_then(|linux| linux.resources.as_ref());
    resources.into_iter().flat_map(|resources| &resources.devices).enumerate()
}

/// A rule names its access.
pub(super) fn access(spec: &Spec, findings: &mut Findings) {
    for (index, rule) in rules(spec) {
        let known = rule.access.bytes().all(|letter| b"rwm".contains(&letter));
        if rule.access.is_empty() || !known {
            let place = place!["linux", "resources", "devices", index, "access"];
            findings.add(place, "must be letters of \"rwm\"");
        }
    }
}

/// A rule is for numbers of devices, or for all.
pub(super) fn rule_numbers(spec: &Spec, findings: &mut Findings) {
    for (index, rule) in rules(spec) {
        for (name, number) in [("major", rule.major), ("minor", rule.minor)] {
            if number.is_some_and(|number| number < -1) {
                let place = place!["linux", "resources", "devices", index, name];
                findings.add(place, "must be the number of a device, or -1 for all");
            }
        }
    }
}

/// A rule is for a type of devices that control groups know.
pub(super) fn rule_kind(spec: &Spec, findings: &mut Findings) {
    for (index, rule) in rules(spec) {
        if !["", "a", "b", "c"].contains(&rule.kind.as_str()) {
            let place = place!["linux", "resources", "devices", index, "type"];
            findings.add(place, "must be a, b or c");
        }
    }
}
