//! What runs: entrypoint and command.

use crate::domain::image_rules::ImageRules;
use crate::spec::draft::Draft;
use crate::spec::error::SpecError;
use crate::spec::opt::Inputs;

/// Sets the arguments: the entrypoint, then the command.
///
/// The caller's command replaces the image's; the caller's entrypoint replaces both. Under the OCI rules
/// an image's entrypoint of one empty string is none, as Docker, CRI and podman read it. An empty list of
/// arguments, and an empty first one, are refused: runtimes do.
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

    let refusal = match args.first().map(String::as_str) {
        None => Some("there is nothing to run: no entrypoint and no command"),
        Some("") => Some("there is nothing to run: the first argument is empty"),
        Some(_) if args.iter().any(|arg| arg.contains('\0')) => Some("an argument has a NUL in it"),
        Some(_) => None,
    };
    if let Some(text) = refusal {
        return Err(match (&process.entrypoint, &process.command) {
            (Some(_), _) => SpecError::field("options.process.entrypoint", text),
            (None, Some(_)) => SpecError::field("options.process.command", text),
            (None, None) => SpecError::Image(text.to_owned()),
        });
    }
    // A command line for Windows would run instead.
    draft.process.set_args(Some(args)).set_command_line(None);
    Ok(())
}
