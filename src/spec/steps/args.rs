//! The arguments: entrypoint and command.

use super::{Assembly, Attribution, Change, Inputs, Origin, SpecError};
use crate::domain::image_rules::ImageRules;
use serde_json::json;

/// Sets the arguments: the entrypoint, then the command.
///
/// The request's command replaces the image's; the request's entrypoint replaces both. Under the OCI rules an
/// image's entrypoint of one empty string counts as absent, as for Docker, CRI and podman.
///
/// containerd: `oci.WithImageConfigArgs`, `oci.WithProcessArgs`.
pub(super) fn args(inputs: &Inputs<'_>, assembly: &mut Assembly) -> Result<(), SpecError> {
    let options = &inputs.options.process;
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
    let (entrypoint, command) = match (&options.entrypoint, &options.command) {
        (Some(entrypoint), command) => (entrypoint.as_slice(), slice(command.as_ref())),
        (None, Some(command)) => (image_entrypoint, command.as_slice()),
        (None, None) => (image_entrypoint, image_command),
    };
    let args = [entrypoint, command].concat();

    let image_origin = |index: usize| match index.checked_sub(image_entrypoint.len()) {
        None => Origin::image(format!("config.Entrypoint[{index}]")),
        Some(index) => Origin::image(format!("config.Cmd[{index}]")),
    };
    assembly.assume_previous(
        "/process/args",
        || json!([image_entrypoint, image_command].concat()),
        |change| {
            change.index_in("/process/args").map(|index| Attribution::Set(image_origin(index)))
        },
    );
    // A command line for Windows would run instead.
    let process = assembly.process();
    process.args = args;
    process.command_line.clear();
    assembly.attribute("/process/args", || {
        |change: &Change<'_>| {
            if change.pointer == "/process/args" {
                return Some(Attribution::Changed(match (&options.entrypoint, &options.command) {
                    (Some(_), _) => Origin::option("process.entrypoint"),
                    (None, Some(_)) => Origin::option("process.command"),
                    (None, None) => Origin::image("config.Cmd"),
                }));
            }
            let index = change.index_in("/process/args")?;
            let own = |name: &str, index: usize| {
                Origin::option(format_args!("process.{name}.values[{index}]"))
            };
            let origin = match index.checked_sub(entrypoint.len()) {
                None if options.entrypoint.is_some() => own("entrypoint", index),
                Some(index) if options.command.is_some() => own("command", index),
                _ => image_origin(index),
            };
            Some(Attribution::Set(origin))
        }
    });
    Ok(())
}

fn slice(list: Option<&Vec<String>>) -> &[String] {
    list.map_or(&[], Vec::as_slice)
}
