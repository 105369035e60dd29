//! Which devices the container may use.

use crate::domain::host_device::{Found, HostNode, below};
use crate::domain::origin::Origin;
use crate::domain::request::HostDevice;
use crate::domain::sandbox::{DeviceRule, cleaned};
use crate::domain::violation::Violations;
use crate::spec::device_list::{self, add_rule, put_node};
use crate::spec::draft::{Draft, from_json, to_json};
use crate::spec::error::SpecError;
use crate::spec::journal::{Change, Said};
use crate::spec::opt::Inputs;
use oci_spec::runtime::LinuxDevice;
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

/// Drops every rule, allows the usual devices or all, adds rules, makes nodes, and adds devices of the host.
///
/// containerd: `oci.WithParentCgroupDevices`, `oci.WithDefaultUnixDevices`, `oci.WithAllDevicesAllowed`,
/// `oci.WithLinuxDevices`, `oci.WithDevices`, `oci.WithLinuxDevice`, `oci.WithLinuxDeviceFollowSymlinks`,
/// `oci.WithHostDevices`; but a node takes the place of one with the same path, and a named pipe is refused,
/// for which there is no rule.
pub(crate) fn devices(inputs: &Inputs<'_>, draft: &mut Draft) -> Result<(), SpecError> {
    let options = &inputs.options.devices;
    if options.inherit_rules {
        inherit(draft);
        draft.by(|| Origin::option("devices.inherit_rules"));
    }
    if options.allow_all {
        allow_all(draft)?;
        draft.by(|| Origin::option("devices.allow_all"));
    }
    let own = rules(draft);
    let usual = DEFAULT.map(|(major, minor)| DeviceRule {
        allow: true,
        kind: Some('c'),
        major: Some(major),
        minor,
        access: "rwm".to_owned(),
    });
    let usual = usual.iter().filter(|_| options.allow_default);
    for rule in usual.chain(&options.rules) {
        add_rule(draft, rule)?;
    }
    for node in &options.nodes {
        put_node(draft, from_json(to_json(node)?)?);
    }
    draft.explain("/linux", || {
        let usual = if options.allow_default { DEFAULT.len() } else { 0 };
        move |change: &Change<'_>| {
            if change.key_in("/linux/devices").is_some() {
                let path = change.value.get("path")?;
                let index = options.nodes.iter().rposition(|node| *path == node.path)?;
                return Some(Said::Set(Origin::option(format_args!("devices.nodes[{index}]"))));
            }
            let index = change.index_in("/linux/resources/devices")?.checked_sub(own)?;
            Some(Said::Set(match index.checked_sub(usual) {
                None => Origin::option("devices.allow_default"),
                Some(index) => Origin::option(format_args!("devices.rules[{index}]")),
            }))
        }
    });
    of_host(inputs, draft)
}

/// Adds the devices that were found on the host, each with its rule; all of them without.
fn of_host(inputs: &Inputs<'_>, draft: &mut Draft) -> Result<(), SpecError> {
    let mut wrong = Violations::default();
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
        for node in nodes {
            let path = path_inside(asked, found, node);
            add_rule(
                draft,
                &DeviceRule {
                    allow: true,
                    kind: Some(node.kind),
                    major: Some(node.major),
                    minor: Some(node.minor),
                    access: asked.access.clone(),
                },
            )?;
            put_node(draft, host_node(node, &path)?);
        }
        draft.by(|| Origin::option(format_args!("devices.host[{index}]")));
    }
    let all =
        if inputs.options.devices.all_host { "devices.all_host" } else { "security.privileged" };
    match inputs.equipment.all() {
        None => {}
        Some(Found::Directory { nodes, .. }) => {
            for node in nodes {
                let there = draft.linux.devices().iter().flatten();
                if !there.clone().any(|other| other.path() == std::path::Path::new(&node.path)) {
                    put_node(draft, host_node(node, &node.path)?);
                }
            }
            draft.by(|| Origin::option(all));
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

/// How many rules there are.
fn rules(draft: &Draft) -> usize {
    let resources = draft.linux.resources().as_ref();
    resources.and_then(|resources| resources.devices().as_ref()).map_or(0, Vec::len)
}

/// Allows every device, in the place of every rule.
pub(super) fn allow_all(draft: &mut Draft) -> Result<(), SpecError> {
    device_list::set_rules(draft, vec![from_json(json!({"allow": true, "access": "rwm"}))?])
}

/// Leaves no rule, so that the parent control group's hold.
fn inherit(draft: &mut Draft) {
    if let Some(resources) = draft.linux.resources_mut() {
        resources.set_devices(None);
    }
}

fn host_node(node: &HostNode, path: &str) -> Result<LinuxDevice, SpecError> {
    from_json(json!({
        "path": path,
        "type": node.kind,
        "major": node.major,
        "minor": node.minor,
        "fileMode": node.file_mode,
        "uid": node.uid,
        "gid": node.gid,
    }))
}

/// Where a device stands in the container: a directory's devices keep their places in it.
fn path_inside(asked: &HostDevice, found: &Found, node: &HostNode) -> String {
    match (&asked.container_path, found) {
        (None, _) => node.path.clone(),
        (Some(path), Found::Directory { path: directory, .. }) => {
            cleaned(&below(path, node.path.strip_prefix(directory).unwrap_or(&node.path)))
        }
        (Some(path), _) => path.clone(),
    }
}
