//! Devices: rules, nodes, devices of the host by path, and CDI devices by name.

use super::absolute;
use crate::api::pb::specd as pb;
use crate::domain::cdi_name::CdiName;
use crate::domain::limits::{DEVICE_PATH_BYTES, NAMED_DEVICES};
use crate::domain::request::{DeviceOptions, HostDevice};
use crate::domain::violation::Violations;
use crate::oci::{Device, DeviceRule};
use std::collections::HashSet;

/// The default access.
const EVERYTHING: &str = "rwm";

pub(super) fn devices(message: pb::DeviceOptions, wrong: &mut Violations) -> DeviceOptions {
    let mut rules = Vec::new();
    for (index, rule) in message.rules.into_iter().enumerate() {
        let kind = match rule.r#type() {
            pb::DeviceType::All => "a",
            pb::DeviceType::Char => "c",
            pb::DeviceType::Block => "b",
            pb::DeviceType::Unspecified => {
                // Runtimes would take it for a rule for all devices, whatever its numbers are.
                let field = format!("options.devices.rules[{index}].type");
                wrong.push(field, "must be set");
                continue;
            }
        };
        let (kind, pb::DeviceRule { allow, major, minor, access, .. }) = (kind.to_owned(), rule);
        rules.push(DeviceRule { allow, kind, major, minor, access, ..DeviceRule::default() });
    }
    let mut nodes = Vec::new();
    for (index, node) in message.nodes.into_iter().enumerate() {
        let kind = match node.r#type() {
            pb::DeviceType::Char => "c",
            pb::DeviceType::Block => "b",
            pb::DeviceType::Unspecified | pb::DeviceType::All => {
                let field = format!("options.devices.nodes[{index}].type");
                wrong.push(field, "must be a character or a block device");
                continue;
            }
        };
        let (kind, pb::DeviceNode { path, major, minor, file_mode, uid, gid, .. }) =
            (kind.to_owned(), node);
        nodes.push(Device { path, kind, major, minor, file_mode, uid, gid, ..Device::default() });
    }
    let host = host_devices(message.host, wrong);
    let pb::DeviceOptions { allow_default, allow_all, inherit_rules, all_host, .. } = message;
    DeviceOptions { inherit_rules, allow_default, allow_all, rules, nodes, host, all_host }
}

pub(super) fn host_devices(list: Vec<pb::HostDevice>, wrong: &mut Violations) -> Vec<HostDevice> {
    let mut devices = Vec::new();
    check_count("options.devices.host", list.len(), wrong);
    for (index, device) in list.into_iter().take(NAMED_DEVICES).enumerate() {
        let field = |name: &str| format!("options.devices.host[{index}].{name}");
        let pb::HostDevice { path, container_path, permissions, follow_symlinks } = device;
        absolute(|| field("path"), &path, wrong);
        if path.len() > DEVICE_PATH_BYTES {
            let text = format_args!("must be at most {DEVICE_PATH_BYTES} bytes");
            wrong.push(field("path"), text);
        }
        if !container_path.is_empty() {
            absolute(|| field("container_path"), &container_path, wrong);
        }
        if !permissions.chars().all(|letter| EVERYTHING.contains(letter)) {
            wrong.push(field("permissions"), "must be letters of \"rwm\"");
        }
        devices.push(HostDevice {
            path,
            container_path: (!container_path.is_empty()).then_some(container_path),
            access: if permissions.is_empty() { EVERYTHING.to_owned() } else { permissions },
            follow_symlinks,
        });
    }
    devices
}

fn check_count(field: &str, count: usize, wrong: &mut Violations) {
    if count > NAMED_DEVICES {
        wrong.push(field, format_args!("must be at most {NAMED_DEVICES}"));
    }
}

pub(super) fn cdi_devices(names: &[String], wrong: &mut Violations) -> Vec<CdiName> {
    let (mut devices, mut seen) = (Vec::new(), HashSet::new());
    check_count("options.cdi_devices", names.len(), wrong);
    for (index, name) in names.iter().take(NAMED_DEVICES).enumerate() {
        let field = format!("options.cdi_devices[{index}]");
        let Some(name) = wrong.keep(&field, CdiName::parse(name)) else { continue };
        if !seen.insert(name.clone()) {
            wrong.push(field, format_args!("{name} is listed twice"));
        }
        devices.push(name);
    }
    devices
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_have_paths_and_permissions() {
        let device = |path: &str, container_path: &str, permissions: &str| pb::HostDevice {
            path: path.to_owned(),
            container_path: container_path.to_owned(),
            permissions: permissions.to_owned(),
            follow_symlinks: false,
        };
        let mut wrong = Violations::default();
        let list =
            vec![device("/dev/fuse", "", ""), device("dev/fuse", "x", "rx"), device("", "/x", "r")];
        let devices = host_devices(list, &mut wrong);
        assert_eq!((devices[0].access.as_str(), &devices[0].container_path), ("rwm", &None));
        let fields: Vec<_> = wrong.iter().map(|one| one.field.as_str()).collect();
        let of = |index, name| format!("options.devices.host[{index}].{name}");
        let want = [of(1, "path"), of(1, "container_path"), of(1, "permissions"), of(2, "path")];
        assert_eq!(fields, want);
    }

    #[test]
    fn there_are_limits() {
        let long = pb::HostDevice {
            path: format!("/{}", "x".repeat(DEVICE_PATH_BYTES)),
            ..Default::default()
        };
        let mut wrong = Violations::default();
        host_devices(vec![long; NAMED_DEVICES + 1], &mut wrong);
        assert_eq!(wrong.count(), NAMED_DEVICES + 1);
        let names: Vec<String> = (0..=NAMED_DEVICES).map(|n| format!("v.com/c=d{n}")).collect();
        let mut wrong = Violations::default();
        cdi_devices(&names, &mut wrong);
        assert_eq!(wrong.to_string(), "options.cdi_devices: must be at most 256");
    }

    #[test]
    fn names_are_qualified_and_there_once() {
        let mut wrong = Violations::default();
        let names = ["v.com/c=a", "gpu", "v.com/c=b", "v.com/c=a"].map(str::to_owned);
        cdi_devices(&names, &mut wrong);
        let fields: Vec<_> = wrong.iter().map(|one| one.field.as_str()).collect();
        assert_eq!(fields, ["options.cdi_devices[1]", "options.cdi_devices[3]"]);
    }
}
