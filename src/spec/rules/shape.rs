//! The types of the fields, and the strings that an object cannot lack.

use super::{Findings, hooks};
use crate::oci::{Place, Spec, place};

/// Finds nothing: types and names are checked where JSON is read, by `oci::json::from_value`, and a [`Spec`] has them.
pub(super) fn types(_: &Spec, _: &mut Findings) {}

/// No object lacks a string that the runtime spec requires. An empty string is missing, as in Go.
pub(super) fn required(spec: &Spec, findings: &mut Findings) {
    let mut check = |text: &str, place: &dyn Fn() -> Place| {
        if text.is_empty() {
            findings.add(place(), "is missing");
        }
    };
    if let Some(root) = &spec.root {
        check(&root.path, &|| place!["root", "path"]);
    }
    for (index, mount) in spec.mounts.iter().enumerate() {
        check(&mount.destination, &|| place!["mounts", index, "destination"]);
    }
    for (list, index, hook) in hooks::all(spec) {
        check(&hook.path, &|| place!["hooks", list, index, "path"]);
    }
    let Some(linux) = &spec.linux else { return };
    if let Some(resources) = &linux.resources {
        for (index, limit) in resources.hugepage_limits.iter().enumerate() {
            check(&limit.page_size, &|| {
                place!["linux", "resources", "hugepageLimits", index, "pageSize"]
            });
        }
        for (index, priority) in resources.network.iter().flat_map(|it| &it.priorities).enumerate()
        {
            check(&priority.name, &|| {
                place!["linux", "resources", "network", "priorities", index, "name"]
            });
        }
    }
    for (index, device) in linux.devices.iter().enumerate() {
        check(&device.path, &|| place!["linux", "devices", index, "path"]);
    }
}
