//! What runs: entrypoint and command.

use crate::domain::image_rules::ImageRules;
use crate::spec::draft::Draft;
use crate::spec::error::SpecError;
use crate::spec::opt::Inputs;

/// Sets the arguments: the entrypoint, then the command.
///
/// The caller's command replaces the image's; the caller's entrypoint replaces both. Under the OCI rules
/// an image's entrypoint of one empty string is none, as Docker, CRI and podman read it.
///
/// containerd: `oci.WithImageConfigArgs`, `oci.WithProcessArgs`.
pub(crate) fn args(inputs: &Inputs<'_>, draft: &mut Draft) -> Result<(), SpecError> {
    let process = &inputs.options.process;
    let container = inputs.container();
    let of_image = |list: Option<&Vec<String>>| list.cloned().unwrap_or_default();

    let image_entrypoint = match inputs.rules {
        ImageRules::FaasRs => Vec::new(),
        ImageRules::Containerd => of_image(container.and_then(|c| c.entrypoint.as_ref())),
        ImageRules::Oci => {
            let entrypoint = of_image(container.and_then(|c| c.entrypoint.as_ref()));
            if entrypoint == [""] { Vec::new() } else { entrypoint }
        }
    };
    let image_command = || of_image(container.and_then(|c| c.cmd.as_ref()));
    let args = match (&process.entrypoint, &process.command) {
        (Some(entrypoint), command) => [entrypoint.clone(), command.clone().unwrap_or_default()],
        (None, Some(command)) => [image_entrypoint, command.clone()],
        (None, None) => [image_entrypoint, image_command()],
    }
    .concat();

    draft.process.set_args(Some(args));
    Ok(())
}
