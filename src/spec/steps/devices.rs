//! Devices: the rules of the device controller, and device nodes.

use super::namespaces::has;
use super::{Assembly, Attribution, Change, Inputs, Origin, SpecError};
use crate::domain::host_device::{Found, HostNode, below};
use crate::domain::request::HostDevice;
use crate::domain::sandbox::NamespaceKind;
use crate::domain::violation::Violations;
use crate::oci::{Device, DeviceRule, Linux};
use crate::paths::clean;
use std::collections::{HashMap, HashSet};

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

/// Drops every rule, allows the default devices or all, adds rules, adds nodes, and adds devices of the host, in
/// this order.
///
/// containerd: `oci.WithParentCgroupDevices`, `oci.WithDefaultUnixDevices`, `oci.WithAllDevicesAllowed`,
/// `oci.WithLinuxDevices`, `oci.WithDevices`, `oci.WithLinuxDevice`, `oci.WithLinuxDeviceFollowSymlinks`,
/// `oci.WithHostDevices`. Unlike there, a node replaces the one with the same path, and a named pipe is refused,
/// since there is no rule for it.
pub(super) fn devices(inputs: &Inputs<'_>, assembly: &mut Assembly) -> Result<(), SpecError> {
    let options = &inputs.options.devices;
    if options.inherit_rules {
        if let Some(resources) = &mut assembly.linux().resources {
            resources.devices.clear();
        }
        assembly.attribute_changes(|| Origin::option("devices.inherit_rules"));
    }
    if options.allow_all {
        allow_all(assembly);
        assembly.attribute_changes(|| Origin::option("devices.allow_all"));
    }
    if options.allow_default || !options.rules.is_empty() || !options.nodes.is_empty() {
        let linux = assembly.linux();
        let before = linux.resources.as_ref().map_or(0, |resources| resources.devices.len());
        let default = DEFAULT.map(|(major, minor)| DeviceRule {
            allow: true,
            kind: "c".to_owned(),
            major: Some(major),
            minor,
            access: "rwm".to_owned(),
            ..DeviceRule::default()
        });
        let default = if options.allow_default { &default[..] } else { &[] };
        add_rules(linux, default.iter().chain(&options.rules).cloned());
        add_nodes(linux, options.nodes.clone());
        let default = default.len();
        assembly.attribute("/linux", || {
            let paths = options.nodes.iter().enumerate();
            let nodes: HashMap<&str, usize> =
                paths.map(|(index, node)| (node.path.as_str(), index)).collect();
            move |change: &Change<'_>| {
                if change.key_in("/linux/devices").is_some() {
                    let index = nodes.get(change.value.get("path")?.as_str()?)?;
                    let origin = Origin::message(format_args!("devices.nodes[{index}]"), 3);
                    return Some(Attribution::Set(origin));
                }
                let index = change.index_in("/linux/resources/devices")?.checked_sub(before)?;
                Some(Attribution::Set(match index.checked_sub(default) {
                    None => Origin::option("devices.allow_default"),
                    Some(index) => Origin::message(format_args!("devices.rules[{index}]"), 4),
                }))
            }
        });
    }
    add_host_devices(inputs, assembly)
}

/// Adds the devices that were found on the host, each with a rule; all of them without rules.
fn add_host_devices(inputs: &Inputs<'_>, assembly: &mut Assembly) -> Result<(), SpecError> {
    let mut wrong = Violations::default();
    let in_user_namespace = has(assembly, NamespaceKind::User);
    let (mut added, mut rules) = (Vec::new(), Vec::new());
    // The place in the list of options of each node, by its path, and of each rule.
    let (mut nodes_of, mut rules_of) = (HashMap::new(), Vec::new());
    for (index, (asked, found)) in inputs.equipment.asked(inputs.options).enumerate() {
        let nodes = match found {
            Found::Node(node) if node.kind != 'p' => std::slice::from_ref(node),
            Found::Directory { nodes, .. } => nodes.as_slice(),
            Found::Node(_)
            | Found::Absent
            | Found::Link
            | Found::Other(_)
            | Found::Unreadable(_) => {
                let field = format!("options.devices.host[{index}].path");
                wrong.push(field, format_args!("{:?} {}", asked.path, found.why_none()));
                continue;
            }
        };
        let elsewhere = asked.container_path.iter().any(|path| clean(path) != clean(&asked.path));
        if in_user_namespace && elsewhere {
            let text = "must be the path on the host: a user namespace makes no nodes, and the runtime binds what the host has there";
            wrong.push(format!("options.devices.host[{index}].container_path"), text);
            continue;
        }
        let rule = |node: &HostNode| DeviceRule {
            allow: true,
            kind: node.kind.to_string(),
            major: Some(node.major),
            minor: Some(node.minor),
            access: asked.access.clone(),
            ..DeviceRule::default()
        };
        for node in nodes {
            let path = path_inside(asked, found, node);
            nodes_of.insert(path.clone(), index);
            rules_of.push(index);
            rules.push(rule(node));
            added.push(host_node(node, path));
        }
    }
    if !added.is_empty() {
        let linux = assembly.linux();
        let before = linux.resources.as_ref().map_or(0, |resources| resources.devices.len());
        add_rules(linux, rules.into_iter());
        add_nodes(linux, added);
        assembly.attribute("/linux", || {
            move |change: &Change<'_>| {
                let index = if change.key_in("/linux/devices").is_some() {
                    *nodes_of.get(change.value.get("path")?.as_str()?)?
                } else {
                    let at = change.index_in("/linux/resources/devices")?.checked_sub(before)?;
                    *rules_of.get(at)?
                };
                Some(Attribution::Set(Origin::option(format_args!("devices.host[{index}]"))))
            }
        });
    }
    let all =
        if inputs.options.devices.all_host { "devices.all_host" } else { "security.privileged" };
    match inputs.equipment.all() {
        None => {}
        Some(Found::Directory { nodes, .. }) => {
            let linux = assembly.linux();
            let known: HashSet<String> =
                linux.devices.iter().map(|node| node.path.clone()).collect();
            let new = nodes.iter().filter(|node| !known.contains(&node.path));
            add_nodes(linux, new.map(|node| host_node(node, node.path.clone())).collect());
            assembly.attribute_changes(|| Origin::option(all));
        }
        Some(found) => {
            wrong.push(
                format!("options.{all}"),
                format_args!("the host's /dev {}", found.why_none()),
            );
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.into()) }
}

/// Allows every device, in the place of every rule.
pub(super) fn allow_all(assembly: &mut Assembly) {
    let access = "rwm".to_owned();
    let rule = DeviceRule { allow: true, access, ..DeviceRule::default() };
    assembly.linux().resources.get_or_insert_default().devices = vec![rule];
}

/// Adds rules after the others.
pub(in crate::spec) fn add_rules(linux: &mut Linux, rules: impl Iterator<Item = DeviceRule>) {
    let mut rules = rules.peekable();
    if rules.peek().is_some() {
        linux.resources.get_or_insert_default().devices.extend(rules);
    }
}

/// Adds nodes at the end, each in the place of any other with the same path.
pub(in crate::spec) fn add_nodes(linux: &mut Linux, nodes: Vec<Device>) {
    let all = nodes.iter().enumerate();
    let last: HashMap<String, usize> =
        all.map(|(index, node)| (node.path.clone(), index)).collect();
    if last.is_empty() {
        return;
    }
    linux.devices.retain(|node| !last.contains_key(&node.path));
    let kept = nodes.into_iter().enumerate();
    let kept = kept.filter(|(index, node)| last.get(&node.path) == Some(index));
    linux.devices.extend(kept.map(|(_, node)| node));
}

fn host_node(node: &HostNode, path: String) -> Device {
    Device {
        path,
        kind: node.kind.to_string(),
        major: node.major,
        minor: node.minor,
        file_mode: Some(node.file_mode),
        uid: Some(node.uid),
        gid: Some(node.gid),
        ..Device::default()
    }
}

/// The path of a device in the container. Devices of a directory keep their places in it.
fn path_inside(asked: &HostDevice, found: &Found, node: &HostNode) -> String {
    match (&asked.container_path, found) {
        (None, _) => node.path.clone(),
        (Some(path), Found::Directory { path: directory, .. }) => {
            clean(&below(path, node.path.strip_prefix(directory).unwrap_or(&node.path)))
        }
        (Some(path), _) => path.clone(),
    }
}
