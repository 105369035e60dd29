//! What is asked of the host: its devices by path, and CDI devices by name.

use crate::domain::cdi_name::CdiName;
use crate::domain::request::HostDevice;
use crate::domain::violation::Violations;
use crate::pb::specd as pb;
use crate::rpc::from_wire::sandbox::absolute;

/// What is allowed where nothing is said.
const EVERYTHING: &str = "rwm";

pub(super) fn host_devices(list: Vec<pb::HostDevice>, wrong: &mut Violations) -> Vec<HostDevice> {
    let mut devices = Vec::new();
    for (index, device) in list.into_iter().enumerate() {
        let field = |name: &str| format!("options.devices.host[{index}].{name}");
        let pb::HostDevice { path, container_path, permissions, follow_symlinks } = device;
        absolute(field("path"), &path, wrong);
        if !container_path.is_empty() {
            absolute(field("container_path"), &container_path, wrong);
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

pub(super) fn cdi_devices(names: &[String], wrong: &mut Violations) -> Vec<CdiName> {
    let mut devices: Vec<CdiName> = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let field = format!("options.cdi_devices[{index}]");
        let Some(name) = wrong.keep(&field, CdiName::parse(name)) else { continue };
        if devices.contains(&name) {
            wrong.push(field, format_args!("{name} is there twice"));
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
    fn names_are_qualified_and_there_once() {
        let mut wrong = Violations::default();
        let names = ["v.com/c=a", "gpu", "v.com/c=b", "v.com/c=a"].map(str::to_owned);
        cdi_devices(&names, &mut wrong);
        let fields: Vec<_> = wrong.iter().map(|one| one.field.as_str()).collect();
        assert_eq!(fields, ["options.cdi_devices[1]", "options.cdi_devices[3]"]);
    }
}
