//! The device nodes of a draft and the rules about them, which several steps add to.

use crate::domain::sandbox::DeviceRule;
use crate::spec::draft::{Draft, from_json, to_json};
use crate::spec::error::SpecError;
use oci_spec::runtime::{LinuxDevice, LinuxDeviceCgroup};
use serde_json::json;

/// Adds a node, in the place of one with the same path.
pub(crate) fn put_node(draft: &mut Draft, node: LinuxDevice) {
    let mut nodes = draft.linux.devices().clone().unwrap_or_default();
    nodes.retain(|other| other.path() != node.path());
    nodes.push(node);
    draft.linux.set_devices(Some(nodes));
}

/// Adds a rule after the others.
pub(crate) fn add_rule(draft: &mut Draft, rule: &DeviceRule) -> Result<(), SpecError> {
    let mut rule = to_json(rule)?;
    if rule["access"] == "" {
        // As it is for Go: what is empty is absent.
        rule.as_object_mut().and_then(|rule| rule.shift_remove("access"));
    }
    let rule = from_json(rule)?;
    let resources = draft.linux.resources().as_ref();
    let mut rules = resources.and_then(|r| r.devices().clone()).unwrap_or_default();
    rules.push(rule);
    set_rules(draft, rules)
}

/// Puts rules in the place of all others.
pub(crate) fn set_rules(draft: &mut Draft, rules: Vec<LinuxDeviceCgroup>) -> Result<(), SpecError> {
    let mut resources = match draft.linux.resources().clone() {
        Some(resources) => resources,
        None => from_json(json!({}))?,
    };
    resources.set_devices(Some(rules));
    draft.linux.set_resources(Some(resources));
    Ok(())
}
