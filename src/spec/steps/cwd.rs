//! The working directory.

use super::{Assembly, Attribution, Inputs, Origin, SpecError};
use serde_json::json;

/// Sets the working directory: the request's, the image's, or `/`. An exec keeps the container's unless the
/// request has one. The directory is not created.
///
/// containerd: `oci.WithImageConfig`, `oci.WithProcessCwd`.
pub(super) fn cwd(inputs: &Inputs<'_>, assembly: &mut Assembly) -> Result<(), SpecError> {
    let image_cwd = inputs.container().map(|container| container.working_dir.as_str());
    let image_cwd = image_cwd.filter(|cwd| !cwd.is_empty());
    let cwd = match inputs.options.process.cwd.as_deref() {
        Some(cwd) => cwd,
        None if inputs.is_exec() => return Ok(()),
        None => image_cwd.unwrap_or("/"),
    };
    cwd.clone_into(&mut assembly.process().cwd);
    if let Some(image_cwd) = image_cwd {
        assembly.assume_previous(
            "/process/cwd",
            || json!(image_cwd),
            |change| {
                (change.pointer == "/process/cwd")
                    .then(|| Attribution::Set(Origin::image("config.WorkingDir")))
            },
        );
    }
    assembly.attribute_value("/process/cwd", || match (&inputs.options.process.cwd, image_cwd) {
        (Some(_), _) => Origin::option("process.cwd"),
        (None, Some(_)) => Origin::image("config.WorkingDir"),
        (None, None) => Origin::rule("cwd", "/ where the image has none"),
    });
    Ok(())
}
