//! The edits, made. CDI: `ContainerEdits.Apply`, `DeviceNode.fillMissingInfo`.

use super::model::{DeviceNode, Hook, IntelRdt, Mount, NetDevice};
use super::plan::Plan;
use super::validate::NO_PERMISSIONS;
use crate::domain::env::merge;
use crate::domain::host_device::Found;
use crate::domain::origin::Origin;
use crate::domain::sandbox::{DeviceRule, cleaned};
use crate::domain::violation::Violations;
use crate::spec::device_list;
use crate::spec::draft::{Draft, from_json};
use crate::spec::error::SpecError;
use oci_spec::runtime::LinuxNamespaceType;
use serde_json::{Map, Value, json};

/// Makes the edits of a plan; `found` answers its lookups, one for one.
///
/// # Errors
///
/// [`SpecError::Request`] with every name that has no device, or whose device node is not on the host.
pub(crate) fn apply(plan: &Plan, found: &[Found], draft: &mut Draft) -> Result<(), SpecError> {
    if !plan.wrong.is_empty() {
        return Err(plan.wrong.clone().into());
    }
    let mut wrong = Violations::default();
    let mut found = found.iter();
    for (index, edits) in &plan.edits {
        let field = format!("options.cdi_devices[{index}]");
        let mut env = draft.process.env().clone().unwrap_or_default();
        for entry in &edits.env {
            env = merge(&env, std::slice::from_ref(entry));
        }
        draft.process.set_env((!env.is_empty()).then_some(env));
        for node in &edits.device_nodes {
            let there = found.next().unwrap_or(&Found::Absent);
            if let Some(node) = wrong.keep(&field, filled(node, there)) {
                device_node(&node, draft)?;
            }
        }
        net_devices(&edits.net_devices, draft)?;
        mounts(&edits.mounts, draft)?;
        for hook in &edits.hooks {
            draft.add_hook(&hook.hook_name, from_json(hook_json(hook))?);
        }
        if let Some(rdt) = &edits.intel_rdt {
            draft.merge_linux(json!({ "intelRdt": null }))?;
            draft.merge_linux(json!({ "intelRdt": rdt_json(rdt) }))?;
        }
        let user = draft.process.user_mut();
        let mut gids = user.additional_gids().clone().unwrap_or_default();
        for gid in &edits.additional_gids {
            if *gid != 0 && !gids.contains(gid) {
                gids.push(*gid);
            }
        }
        user.set_additional_gids((!gids.is_empty()).then_some(gids));
        draft.by(|| Origin::option(format_args!("cdi_devices[{index}]")));
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.into()) }
}

/// Makes a node, and the rule that allows it.
fn device_node(node: &DeviceNode, draft: &mut Draft) -> Result<(), SpecError> {
    let (uid, gid) = (draft.process.user().uid(), draft.process.user().gid());
    if let "b" | "c" = node.kind.as_str() {
        let access = match node.permissions.as_str() {
            "" => "rwm",
            NO_PERMISSIONS => "",
            letters => letters,
        };
        let rule = DeviceRule {
            allow: true,
            kind: node.kind.chars().next(),
            major: Some(node.major),
            minor: Some(node.minor),
            access: access.to_owned(),
        };
        device_list::add_rule(draft, &rule)?;
    }
    let given = |id: Option<u32>, own: u32| id.or((own > 0).then_some(own));
    let mut value = json!({
        "path": node.path,
        "type": node.kind,
        "major": node.major,
        "minor": node.minor,
    });
    let rest = [
        ("fileMode", node.file_mode),
        ("uid", given(node.uid, uid)),
        ("gid", given(node.gid, gid)),
    ];
    for (key, number) in rest {
        if let Some(number) = number {
            value[key] = number.into();
        }
    }
    device_list::put_node(draft, from_json(value)?);
    Ok(())
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

fn net_devices(devices: &[NetDevice], draft: &mut Draft) -> Result<(), SpecError> {
    let named =
        |device: &NetDevice| (device.host_interface_name.clone(), json!({ "name": device.name }));
    let all: Map<String, Value> = devices.iter().map(named).collect();
    if all.is_empty() { Ok(()) } else { draft.merge_linux(json!({ "netDevices": all })) }
}

fn mounts(mounts: &[Mount], draft: &mut Draft) -> Result<(), SpecError> {
    let mut namespaces = draft.linux.namespaces().iter().flatten();
    let maps_ids = namespaces.any(|namespace| namespace.typ() == LinuxNamespaceType::User);
    let mut any = false;
    for mount in mounts {
        any = true;
        // As text, so that "/proc/" does not take the place of "/proc".
        let is_same = |other: &oci_spec::runtime::Mount| {
            other.destination().as_os_str() == mount.container_path.as_str()
        };
        if let Some(at) = draft.mounts.iter().position(is_same) {
            draft.mounts.remove(at);
        }
        let mut options = mount.options.clone();
        options.extend(maps_ids.then(|| id_map(mount)).flatten());
        let mut value = json!({ "destination": mount.container_path, "source": mount.host_path });
        if !mount.kind.is_empty() {
            value["type"] = mount.kind.clone().into();
        }
        if !options.is_empty() {
            value["options"] = options.into();
        }
        draft.mounts.push(from_json(value)?);
    }
    if any {
        // What lies deeper is mounted later.
        let depth = |path: &std::path::Path| cleaned(&path.to_string_lossy()).matches('/').count();
        draft.mounts.sort_by_key(|mount| depth(mount.destination()));
    }
    Ok(())
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

fn hook_json(hook: &Hook) -> Value {
    let mut value = json!({ "path": hook.path });
    for (key, list) in [("args", &hook.args), ("env", &hook.env)] {
        if !list.is_empty() {
            value[key] = list.clone().into();
        }
    }
    if let Some(timeout) = hook.timeout {
        value["timeout"] = timeout.into();
    }
    value
}

fn rdt_json(rdt: &IntelRdt) -> Value {
    let mut value = json!({});
    let texts = [
        ("closID", &rdt.clos_id),
        ("l3CacheSchema", &rdt.l3_cache_schema),
        ("memBwSchema", &rdt.mem_bw_schema),
    ];
    for (key, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
        value[key] = text.clone().into();
    }
    if let Some(schemata) = rdt.schemata.as_ref().filter(|schemata| !schemata.is_empty()) {
        value["schemata"] = schemata.clone().into();
    }
    if rdt.enable_monitoring {
        value["enableMonitoring"] = true.into();
    }
    value
}
