//! What a CDI specification must be beside well formed. CDI: `Spec.validate`, `ContainerEdits.Validate`.

use super::model::{CdiSpec, DeviceNode, Edits, Hook, IntelRdt, Mount, NetDevice};
use super::version;
use crate::domain::cdi_name::{check_kind_part, check_name};
use std::collections::BTreeSet;

/// The permissions of a device node that allow nothing.
pub(super) const NO_PERMISSIONS: &str = "none";

/// When hooks run.
const HOOKS: [&str; 6] =
    ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"];

/// Checks a specification and gives its vendor and class.
///
/// # Errors
///
/// A sentence with the path of the first thing that is wrong.
pub(super) fn validate(spec: &CdiSpec) -> Result<(&str, &str), String> {
    version::check(spec)?;
    let (vendor, class) = spec
        .kind
        .split_once('/')
        .ok_or_else(|| format!("kind {:?} must be as \"vendor.com/class\"", spec.kind))?;
    check_kind_part("vendor", vendor)?;
    check_kind_part("class", class)?;
    edits(&spec.container_edits).map_err(|error| format!("containerEdits.{error}"))?;
    if spec.devices.is_empty() {
        return Err("devices must not be empty".to_owned());
    }
    let mut names = BTreeSet::new();
    for (index, device) in spec.devices.iter().enumerate() {
        let at = |error: String| format!("devices[{index}]: {error}");
        check_name(&device.name).map_err(at)?;
        if !names.insert(&device.name) {
            return Err(at(format!("the device {:?} is there twice", device.name)));
        }
        if device.container_edits == Edits::default() {
            return Err(at("containerEdits must not be empty".to_owned()));
        }
        edits(&device.container_edits)
            .map_err(|error| format!("devices[{index}].containerEdits.{error}"))?;
    }
    Ok((vendor, class))
}

fn edits(edits: &Edits) -> Result<(), String> {
    env(&edits.env)?;
    each("deviceNodes", &edits.device_nodes, device_node)?;
    each("netDevices", &edits.net_devices, net_device)?;
    each("hooks", &edits.hooks, hook)?;
    each("mounts", &edits.mounts, mount)?;
    for (index, device) in edits.net_devices.iter().enumerate() {
        let earlier = &edits.net_devices[..index];
        let same = |other: &NetDevice| {
            other.name == device.name || other.host_interface_name == device.host_interface_name
        };
        if earlier.iter().any(same) {
            return Err(format!("netDevices[{index}] has a name that another one has"));
        }
    }
    edits.intel_rdt.as_ref().map_or(Ok(()), intel_rdt)
}

fn each<T>(name: &str, list: &[T], check: fn(&T) -> Result<(), String>) -> Result<(), String> {
    let mut list = list.iter().enumerate();
    list.try_for_each(|(index, one)| check(one).map_err(|error| format!("{name}[{index}].{error}")))
}

fn env(env: &[String]) -> Result<(), String> {
    let wrong = |entry: &&String| entry.find('=').unwrap_or_default() == 0 || entry.contains('\0');
    match env.iter().find(wrong) {
        None => Ok(()),
        Some(entry) => Err(format!("env: {entry:?} must be as \"KEY=value\"")),
    }
}

fn filled(name: &str, text: &str) -> Result<(), String> {
    if text.is_empty() { Err(format!("{name} must not be empty")) } else { Ok(()) }
}

fn device_node(node: &DeviceNode) -> Result<(), String> {
    filled("path", &node.path)?;
    if !matches!(node.kind.as_str(), "" | "b" | "c" | "u" | "p") {
        return Err(format!("type {:?} must be \"b\", \"c\", \"u\" or \"p\"", node.kind));
    }
    let letters = node.permissions.chars().all(|letter| "rwm".contains(letter));
    if !letters && node.permissions != NO_PERMISSIONS {
        let text = &node.permissions;
        return Err(format!("permissions {text:?} must be letters of \"rwm\", or \"none\""));
    }
    Ok(())
}

fn net_device(device: &NetDevice) -> Result<(), String> {
    filled("hostInterfaceName", &device.host_interface_name)?;
    filled("name", &device.name)
}

fn hook(hook: &Hook) -> Result<(), String> {
    if !HOOKS.contains(&hook.hook_name.as_str()) {
        return Err(format!("hookName {:?} must be one of {}", hook.hook_name, HOOKS.join(", ")));
    }
    filled("path", &hook.path)?;
    env(&hook.env)
}

fn mount(mount: &Mount) -> Result<(), String> {
    filled("hostPath", &mount.host_path)?;
    filled("containerPath", &mount.container_path)
}

fn intel_rdt(rdt: &IntelRdt) -> Result<(), String> {
    let id = rdt.clos_id.as_str();
    let no_file = matches!(id, "." | "..") || id.len() >= 4096 || id.contains(['/', '\n']);
    if id != "/" && no_file {
        return Err(format!("intelRdt.closID {id:?} must be the name of a directory, or \"/\""));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::read::read;
    use super::*;

    fn checked(kind: &str, edits: &str, device: &str) -> Result<(), String> {
        let text = format!(
            r#"{{"cdiVersion": "1.1.0", "kind": "{kind}", "containerEdits": {edits}, "devices": [{device}]}}"#
        );
        validate(&read("a.json", text.as_bytes()).unwrap()).map(drop)
    }

    const DEVICE: &str = r#"{"name": "a", "containerEdits": {"env": ["A="]}}"#;

    #[test]
    fn what_is_wrong_is_reported_by_its_path() {
        assert_eq!(checked("v.com/c", "{}", DEVICE), Ok(()));
        for (edits, path) in [
            (r#"{"env": ["A"]}"#, "containerEdits.env: \"A\""),
            (r#"{"env": ["=A"]}"#, "containerEdits.env"),
            (r#"{"deviceNodes": [{}]}"#, "containerEdits.deviceNodes[0].path"),
            (r#"{"deviceNodes": [{"path": "/x", "type": "a"}]}"#, "deviceNodes[0].type \"a\""),
            (r#"{"deviceNodes": [{"path": "/x", "permissions": "rx"}]}"#, "permissions \"rx\""),
            (r#"{"mounts": [{"hostPath": "/x"}]}"#, "mounts[0].containerPath"),
            (r#"{"mounts": [{"containerPath": "/x"}]}"#, "mounts[0].hostPath"),
            (r#"{"hooks": [{"hookName": "start", "path": "/x"}]}"#, "hooks[0].hookName"),
            (r#"{"hooks": [{"hookName": "poststop"}]}"#, "hooks[0].path"),
            (r#"{"intelRdt": {"closID": "a/b"}}"#, "intelRdt.closID"),
            (r#"{"netDevices": [{"name": "eth0"}]}"#, "netDevices[0].hostInterfaceName"),
            (
                r#"{"netDevices": [{"hostInterfaceName": "a", "name": "x"}, {"hostInterfaceName": "a", "name": "y"}]}"#,
                "netDevices[1]",
            ),
        ] {
            let error = checked("v.com/c", edits, DEVICE).unwrap_err();
            assert!(error.contains(path), "{edits}: {error}");
        }
        for kind in ["", "v", "/c", "v/", "1v/c", "v/c/d"] {
            assert!(checked(kind, "{}", DEVICE).is_err(), "{kind}");
        }
        for device in [
            "",
            r#"{"name": "-", "containerEdits": {"env": ["A="]}}"#,
            r#"{"name": "a", "containerEdits": {}}"#,
            &format!("{DEVICE}, {DEVICE}"),
        ] {
            assert!(checked("v.com/c", "{}", device).is_err(), "{device}");
        }
        let none = r#"{"name": "a", "containerEdits": {"deviceNodes": [{"path": "/x", "permissions": "none"}]}}"#;
        assert_eq!(checked("v.com/c", r#"{"intelRdt": {"closID": "/"}}"#, none), Ok(()));
    }
}
