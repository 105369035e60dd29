//! Which devices the container may use.

use crate::domain::sandbox::DeviceRule;
use crate::spec::draft::{Draft, from_json, to_json};
use crate::spec::error::SpecError;
use crate::spec::opt::Inputs;
use oci_spec::runtime::{LinuxDevice, LinuxDeviceCgroup};
use serde_json::json;

/// The devices that every container has: null, zero, full, tty, random, urandom, console, pts and ptmx.
/// containerd: `oci.WithDefaultUnixDevices`.
const DEFAULT: [(i64, Option<i64>); 9] = [
    (1, Some(3)),
    (1, Some(8)),
    (1, Some(7)),
    (5, Some(0)),
    (1, Some(5)),
    (1, Some(9)),
    (5, Some(1)),
    (136, None),
    (5, Some(2)),
];

/// Drops every rule, allows the usual devices or all, adds rules, and makes nodes.
///
/// containerd: `oci.WithParentCgroupDevices`, `oci.WithDefaultUnixDevices`, `oci.WithAllDevicesAllowed`,
/// `oci.WithLinuxDevices`.
pub(crate) fn devices(inputs: &Inputs<'_>, draft: &mut Draft) -> Result<(), SpecError> {
    let options = &inputs.options.devices;
    if options.inherit_rules {
        inherit(draft);
    }
    if options.allow_all {
        allow_all(draft)?;
    }
    let usual = DEFAULT.map(|(major, minor)| DeviceRule {
        allow: true,
        kind: Some('c'),
        major: Some(major),
        minor,
        access: "rwm".to_owned(),
    });
    let usual = usual.iter().filter(|_| options.allow_default);
    for rule in usual.chain(&options.rules) {
        add(draft, from_json(to_json(rule)?)?)?;
    }
    let mut nodes = draft.linux.devices().clone().unwrap_or_default();
    for node in &options.nodes {
        let node: LinuxDevice = from_json(to_json(node)?)?;
        nodes.retain(|other| other.path() != node.path());
        nodes.push(node);
    }
    draft.linux.set_devices((!nodes.is_empty()).then_some(nodes));
    Ok(())
}

/// Allows every device, in the place of every rule.
pub(super) fn allow_all(draft: &mut Draft) -> Result<(), SpecError> {
    set(draft, vec![from_json(json!({"allow": true, "access": "rwm"}))?])
}

/// Leaves no rule, so that the parent control group's hold.
fn inherit(draft: &mut Draft) {
    if let Some(resources) = draft.linux.resources_mut() {
        resources.set_devices(None);
    }
}

fn add(draft: &mut Draft, rule: LinuxDeviceCgroup) -> Result<(), SpecError> {
    let resources = draft.linux.resources().as_ref();
    let mut rules = resources.and_then(|r| r.devices().clone()).unwrap_or_default();
    rules.push(rule);
    set(draft, rules)
}

fn set(draft: &mut Draft, rules: Vec<LinuxDeviceCgroup>) -> Result<(), SpecError> {
    let mut resources = match draft.linux.resources().clone() {
        Some(resources) => resources,
        None => from_json(json!({}))?,
    };
    resources.set_devices(Some(rules));
    draft.linux.set_resources(Some(resources));
    Ok(())
}
