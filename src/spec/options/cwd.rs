//! The working directory.

use crate::domain::origin::Origin;
use crate::spec::draft::Draft;
use crate::spec::error::SpecError;
use crate::spec::journal::Said;
use crate::spec::opt::Inputs;
use serde_json::json;

/// Sets the working directory: the caller's, the image's, or `/`; an exec's is the caller's, or stays. It is
/// not created.
///
/// containerd: `oci.WithImageConfig`, `oci.WithProcessCwd`.
pub(crate) fn cwd(inputs: &Inputs<'_>, draft: &mut Draft) -> Result<(), SpecError> {
    let of_image = inputs.container().map(|container| container.working_dir.as_str());
    let of_image = of_image.filter(|cwd| !cwd.is_empty());
    let cwd = match inputs.options.process.cwd.as_deref() {
        Some(cwd) => cwd,
        None if inputs.is_exec() => return Ok(()),
        None => of_image.unwrap_or("/"),
    };
    draft.process.set_cwd(cwd.into());
    if let Some(of_image) = of_image {
        draft.suppose(
            "/process/cwd",
            || json!(of_image),
            |change| {
                (change.pointer == "/process/cwd")
                    .then(|| Said::Set(Origin::image("config.WorkingDir")))
            },
        );
    }
    draft.set_by("/process/cwd", || match (&inputs.options.process.cwd, of_image) {
        (Some(_), _) => Origin::option("process.cwd"),
        (None, Some(_)) => Origin::image("config.WorkingDir"),
        (None, None) => Origin::rule("cwd", "/ where the image has none"),
    });
    Ok(())
}
