//! The terminal.

use super::{Assembly, Inputs, Origin, SpecError};
use crate::domain::env::has;
use crate::domain::image_rules::ImageRules;

/// Attaches a terminal and sets TERM, where the environment has none; under containerd's rules a second TERM is
/// appended to an existing one.
///
/// containerd: `oci.WithTTY`, `oci.WithTTYSize`.
pub(super) fn terminal(inputs: &Inputs<'_>, assembly: &mut Assembly) -> Result<(), SpecError> {
    let Some(attached) = inputs.options.process.terminal else {
        return Ok(());
    };
    assembly.process().terminal = attached;
    assembly.attribute_value("/process/terminal", || Origin::option("process.terminal"));
    if let Some(size) = &inputs.options.process.console_size {
        assembly.process().console_size = Some(size.clone());
        assembly.attribute_changes(|| Origin::option("process.console_size"));
    }
    if attached {
        let env = &mut assembly.process().env;
        if inputs.rules == ImageRules::Containerd || !has(env, "TERM") {
            env.push("TERM=xterm".to_owned());
        }
        assembly.attribute_changes(|| Origin::rule("terminal", "TERM of a terminal"));
        let request = if inputs.is_exec() { "ExecProcessRequest" } else { "CreateTaskRequest" };
        assembly.warnings.push(format!("a terminal is attached: {request}.terminal must be true"));
    }
    Ok(())
}
