//! The container's control group.

use super::{Assembly, Inputs, Origin, SpecError};
use crate::domain::sandbox::CgroupPath;
use crate::paths::clean;

/// Sets the path, or systemd's `slice:prefix:name`, which goes with a runtime option.
///
/// containerd: `oci.WithCgroup`. Docker: `daemon.withCgroups`. runc: "expected cgroupsPath to be of format".
pub(super) fn cgroup(inputs: &Inputs<'_>, assembly: &mut Assembly) -> Result<(), SpecError> {
    let Some(cgroup) = &inputs.options.cgroup else { return Ok(()) };
    let id = inputs.id.as_str();
    let unit = |slice: &str, prefix: &str, name: &str| format!("{slice}:{prefix}:{name}");
    let (path, field) = match cgroup {
        CgroupPath::Path(path) => (path.clone(), "cgroup.path"),
        CgroupPath::Parent(parent) if parent.starts_with('/') => {
            (clean(&format!("{parent}/{id}")), "cgroup.parent")
        }
        CgroupPath::Parent(slice) => {
            (unit(slice, prefix(&assembly.linux().cgroups_path), id), "cgroup.parent")
        }
        CgroupPath::Systemd { slice, prefix, name } => {
            let name = if name.is_empty() { id } else { name };
            (unit(slice, prefix, name), "cgroup.systemd")
        }
    };
    if !path.starts_with('/') {
        let text = "the cgroup is a unit of systemd: the runtime option SystemdCgroup must be true";
        assembly.warnings.push(text.to_owned());
    }
    assembly.linux().cgroups_path = path;
    assembly.attribute_value("/linux/cgroupsPath", || Origin::option(field));
    Ok(())
}

/// The prefix of the unit for a container that a profile has in this group: the prefix there, or the name of the group above.
fn prefix(profile: &str) -> &str {
    let mut names = profile.rsplit([':', '/']).skip(1);
    names.next().filter(|name| !name.is_empty()).unwrap_or("specd")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_is_the_group_above_the_container() {
        for (profile, want) in [
            ("/docker/web-1", "docker"),
            ("/a/functions/web-1", "functions"),
            ("system.slice:crio:web-1", "crio"),
            ("system.slice::web-1", "specd"),
            ("/web-1", "specd"),
            ("", "specd"),
        ] {
            assert_eq!(prefix(profile), want, "{profile}");
        }
    }
}
