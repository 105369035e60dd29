//! The working directory.

use crate::spec::draft::Draft;
use crate::spec::error::SpecError;
use crate::spec::opt::Inputs;

/// Sets the working directory: the caller's, the image's, or `/`. It is not created.
///
/// containerd: `oci.WithImageConfig`, `oci.WithProcessCwd`.
pub(crate) fn cwd(inputs: &Inputs<'_>, draft: &mut Draft) -> Result<(), SpecError> {
    let of_image = inputs.container().map(|container| container.working_dir.as_str());
    let of_image = of_image.filter(|cwd| !cwd.is_empty());
    let cwd = inputs.options.process.cwd.as_deref().or(of_image).unwrap_or("/");
    draft.process.set_cwd(cwd.into());
    Ok(())
}
