//! The container's control group.

use crate::domain::origin::Origin;
use crate::domain::sandbox::CgroupPath;
use crate::spec::assembly::Assembly;
use crate::spec::error::SpecError;
use crate::spec::inputs::Inputs;

/// Sets the path, or systemd's `slice:prefix:name`, which goes with a runtime option.
///
/// containerd: `oci.WithCgroup`. runc: "expected cgroupsPath to be of format".
pub(super) fn cgroup(inputs: &Inputs<'_>, assembly: &mut Assembly) -> Result<(), SpecError> {
    let (path, field) = match &inputs.options.cgroup {
        None => return Ok(()),
        Some(CgroupPath::Path(path)) => (path.clone(), "cgroup.path"),
        Some(CgroupPath::Systemd { slice, prefix, name }) => {
            assembly.warnings.push(
                "the cgroup is a unit of systemd: the runtime option SystemdCgroup must be true"
                    .to_owned(),
            );
            let name = if name.is_empty() { inputs.id.as_str() } else { name };
            (format!("{slice}:{prefix}:{name}"), "cgroup.systemd")
        }
    };
    assembly.linux().cgroups_path = path;
    assembly.attribute_value("/linux/cgroupsPath", || Origin::option(field));
    Ok(())
}
