//! The edits, made. CDI: `ContainerEdits.Apply`, `DeviceNode.fillMissingInfo`.

use super::model::{DeviceNode, Hook, IntelRdt, Mount, NetDevice};
use super::plan::Plan;
use super::validate::NO_PERMISSIONS;
use crate::domain::env::set_each;
use crate::domain::host_device::Found;
use crate::domain::origin::Origin;
use crate::domain::violation::Violations;
use crate::oci::{self, Device, DeviceRule};
use crate::paths::clean;
use crate::spec::assembly::Assembly;
use crate::spec::error::SpecError;
use crate::spec::steps::devices::{add_nodes, add_rules};
use std::collections::HashSet;

/// Makes the edits of a plan; `found` answers its lookups, one for one.
///
/// # Errors
///
/// [`SpecError::Request`] with every name that has no device, or a device node that is not on the host.
pub(crate) fn apply(
    plan: &Plan,
    found: &[Found],
    assembly: &mut Assembly,
) -> Result<(), SpecError> {
    if !plan.wrong.is_empty() {
        return Err(plan.wrong.clone().into());
    }
    let mut wrong = Violations::default();
    let mut found = found.iter();
    for (index, edits) in &plan.edits {
        let field = format!("options.cdi_devices[{index}]");
        set_each(&mut assembly.process().env, &edits.env);
        let mut nodes = Vec::new();
        for node in &edits.device_nodes {
            let there = found.next().unwrap_or(&Found::Absent);
            nodes.extend(wrong.keep(&field, filled(node, there)));
        }
        device_nodes(&nodes, assembly);
        for NetDevice { host_interface_name, name } in &edits.net_devices {
            let device = oci::NetDevice { name: name.clone(), ..oci::NetDevice::default() };
            assembly.linux().net_devices.insert(host_interface_name.clone(), device);
        }
        mounts(&edits.mounts, assembly);
        for hook in &edits.hooks {
            let hooks = assembly.spec.hooks.get_or_insert_default();
            if let Some(list) = hooks.list_mut(&hook.hook_name) {
                list.push(oci_hook(hook));
            }
        }
        if let Some(rdt) = &edits.intel_rdt {
            assembly.linux().intel_rdt = Some(oci_rdt(rdt));
        }
        let gids = &mut assembly.process().user.additional_gids;
        let mut known: HashSet<u32> = gids.iter().copied().collect();
        gids.extend(edits.additional_gids.iter().filter(|gid| **gid != 0 && known.insert(**gid)));
        assembly.attribute_changes(|| Origin::option(format_args!("cdi_devices[{index}]")));
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.into()) }
}

/// Adds nodes, each with the rule that allows it.
fn device_nodes(nodes: &[DeviceNode], assembly: &mut Assembly) {
    let user = &assembly.process().user;
    let (uid, gid) = (user.uid, user.gid);
    let given = |id: Option<u32>, own: u32| id.or((own > 0).then_some(own));
    let device = |node: &DeviceNode| Device {
        path: node.path.clone(),
        kind: node.kind.clone(),
        major: node.major,
        minor: node.minor,
        file_mode: node.file_mode,
        uid: given(node.uid, uid),
        gid: given(node.gid, gid),
        ..Device::default()
    };
    let devices = nodes.iter().filter(|node| matches!(node.kind.as_str(), "b" | "c"));
    add_rules(assembly.linux(), devices.map(rule));
    add_nodes(assembly.linux(), nodes.iter().map(device).collect());
}

fn rule(node: &DeviceNode) -> DeviceRule {
    let access = match node.permissions.as_str() {
        "" => "rwm",
        NO_PERMISSIONS => "",
        letters => letters,
    };
    DeviceRule {
        allow: true,
        kind: node.kind.clone(),
        major: Some(node.major),
        minor: Some(node.minor),
        access: access.to_owned(),
        ..DeviceRule::default()
    }
}

/// A node with what its specification leaves to the host.
fn filled(node: &DeviceNode, found: &Found) -> Result<DeviceNode, String> {
    let mut node = node.clone();
    let whole = !node.kind.is_empty() && (node.major != 0 || node.kind == "p");
    let path = if node.host_path.is_empty() { &node.path } else { &node.host_path };
    let there = match found {
        Found::Node(there) => there,
        Found::Absent
        | Found::Link
        | Found::Directory { .. }
        | Found::Other(_)
        | Found::Unreadable(_) => {
            // Who states type and number needs nothing of the host.
            let reason = || format!("its device node {path:?} {}", found.why_none());
            return if whole { Ok(node) } else { Err(reason()) };
        }
    };
    node.file_mode = node.file_mode.or(Some(there.file_mode));
    if whole {
        return Ok(node);
    }
    let kind = there.kind.to_string();
    if !node.kind.is_empty() && node.kind != kind {
        let stated = &node.kind;
        return Err(format!("its device node {path:?} is of type {kind:?} and not {stated:?}"));
    }
    node.kind = kind;
    if node.kind != "p" && node.major == 0 {
        (node.major, node.minor) = (there.major, there.minor);
    }
    Ok(node)
}

fn mounts(mounts: &[Mount], assembly: &mut Assembly) {
    let maps_ids = assembly.linux().namespaces.iter().any(|namespace| namespace.kind == "user");
    let all = &mut assembly.spec.mounts;
    for mount in mounts {
        // As text, so that "/proc/" does not replace "/proc".
        if let Some(at) = all.iter().position(|other| other.destination == mount.container_path) {
            all.remove(at);
        }
        let mut options = mount.options.clone();
        options.extend(maps_ids.then(|| id_map(mount)).flatten());
        let added = oci::Mount {
            destination: mount.container_path.clone(),
            kind: mount.kind.clone(),
            source: mount.host_path.clone(),
            options,
            ..oci::Mount::default()
        };
        all.push(added.into());
    }
    if !mounts.is_empty() {
        // A deeper mount must come later.
        all.sort_by_cached_key(|mount| clean(&mount.destination).matches('/').count());
    }
}

/// The option that a bind mount needs where ids are mapped.
fn id_map(mount: &Mount) -> Option<String> {
    let mut option = (mount.kind == "bind").then_some("idmap");
    for one in &mount.options {
        match one.as_str() {
            "idmap" | "ridmap" => return None,
            "bind" => option = Some("idmap"),
            "rbind" => option = Some("ridmap"),
            _ => {}
        }
    }
    option.map(str::to_owned)
}

fn oci_hook(hook: &Hook) -> oci::Hook {
    oci::Hook {
        path: hook.path.clone(),
        args: hook.args.clone(),
        env: hook.env.clone(),
        timeout: hook.timeout,
        ..oci::Hook::default()
    }
}

fn oci_rdt(rdt: &IntelRdt) -> oci::IntelRdt {
    oci::IntelRdt {
        clos_id: rdt.clos_id.clone(),
        schemata: rdt.schemata.clone().unwrap_or_default(),
        l3_cache_schema: rdt.l3_cache_schema.clone(),
        mem_bw_schema: rdt.mem_bw_schema.clone(),
        enable_monitoring: rdt.enable_monitoring,
        ..oci::IntelRdt::default()
    }
}
