//! Where the container stands among the control groups.

use crate::domain::origin::Origin;
use crate::domain::sandbox::Cgroup;
use crate::spec::draft::Draft;
use crate::spec::error::SpecError;
use crate::spec::opt::Inputs;

/// Sets the path, or systemd's `slice:prefix:name`, which goes with a runtime option.
///
/// containerd: `oci.WithCgroup`. runc: "expected cgroupsPath to be of format".
pub(crate) fn cgroup(inputs: &Inputs<'_>, draft: &mut Draft) -> Result<(), SpecError> {
    let path = match &inputs.options.cgroup {
        None => return Ok(()),
        Some(Cgroup::Path(path)) => path.clone(),
        Some(Cgroup::Systemd { slice, prefix, name }) => {
            draft.warnings.push(
                "the cgroup is a unit of systemd: the runtime option SystemdCgroup must be true"
                    .to_owned(),
            );
            let name = if name.is_empty() { inputs.id.as_str() } else { name };
            format!("{slice}:{prefix}:{name}")
        }
    };
    draft.linux.set_cgroups_path(Some(path.into()));
    draft.set_by("/linux/cgroupsPath", || match &inputs.options.cgroup {
        Some(Cgroup::Systemd { .. }) => Origin::option("cgroup.systemd"),
        Some(Cgroup::Path(_)) | None => Origin::option("cgroup.path"),
    });
    Ok(())
}
