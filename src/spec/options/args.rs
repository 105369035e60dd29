//! What runs: entrypoint and command.

use crate::domain::image_rules::ImageRules;
use crate::domain::origin::Origin;
use crate::spec::draft::Draft;
use crate::spec::error::SpecError;
use crate::spec::journal::{Change, Said};
use crate::spec::opt::Inputs;
use serde_json::json;

/// Sets the arguments: the entrypoint, then the command.
///
/// The caller's command replaces the image's; the caller's entrypoint replaces both. Under the OCI rules
/// an image's entrypoint of one empty string is none, as Docker, CRI and podman read it.
///
/// containerd: `oci.WithImageConfigArgs`, `oci.WithProcessArgs`.
pub(crate) fn args(inputs: &Inputs<'_>, draft: &mut Draft) -> Result<(), SpecError> {
    let process = &inputs.options.process;
    let container = inputs.container();

    let image_entrypoint = match inputs.rules {
        ImageRules::FaasRs => &[],
        ImageRules::Containerd => slice(container.and_then(|c| c.entrypoint.as_ref())),
        ImageRules::Oci => {
            let entrypoint = slice(container.and_then(|c| c.entrypoint.as_ref()));
            if entrypoint == [""] { &[] } else { entrypoint }
        }
    };
    let image_command = slice(container.and_then(|c| c.cmd.as_ref()));
    let (entrypoint, command) = match (&process.entrypoint, &process.command) {
        (Some(entrypoint), command) => (entrypoint.as_slice(), slice(command.as_ref())),
        (None, Some(command)) => (image_entrypoint, command.as_slice()),
        (None, None) => (image_entrypoint, image_command),
    };
    let args = [entrypoint, command].concat();

    let of_image = |index: usize| match index.checked_sub(image_entrypoint.len()) {
        None => Origin::image(format!("config.Entrypoint[{index}]")),
        Some(index) => Origin::image(format!("config.Cmd[{index}]")),
    };
    draft.suppose(
        "/process/args",
        || json!([image_entrypoint, image_command].concat()),
        |change| change.index_in("/process/args").map(|index| Said::Set(of_image(index))),
    );
    // A command line for Windows would run instead.
    draft.process.set_args(Some(args)).set_command_line(None);
    draft.explain("/process/args", || {
        |change: &Change<'_>| {
            if change.pointer == "/process/args" {
                let name = process.entrypoint.as_ref().map_or("command", |_| "entrypoint");
                return Some(Said::Changed(Origin::option(format_args!("process.{name}"))));
            }
            let index = change.index_in("/process/args")?;
            let own = |name: &str, index: usize| {
                Origin::option(format_args!("process.{name}.values[{index}]"))
            };
            let origin = match index.checked_sub(entrypoint.len()) {
                None if process.entrypoint.is_some() => own("entrypoint", index),
                Some(index) if process.command.is_some() => own("command", index),
                _ => of_image(index),
            };
            Some(Said::Set(origin))
        }
    });
    Ok(())
}

fn slice(list: Option<&Vec<String>>) -> &[String] {
    list.map_or(&[], Vec::as_slice)
}
