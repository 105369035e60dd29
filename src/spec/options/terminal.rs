//! The terminal.

use crate::domain::env::has;
use crate::domain::image_rules::ImageRules;
use crate::domain::origin::Origin;
use crate::spec::draft::{Draft, from_json};
use crate::spec::error::SpecError;
use crate::spec::opt::Inputs;
use serde_json::json;

/// Attaches a terminal and sets TERM, where the environment has none; under containerd's rules a second
/// TERM is appended to one that is there.
///
/// containerd: `oci.WithTTY`, `oci.WithTTYSize`.
pub(crate) fn terminal(inputs: &Inputs<'_>, draft: &mut Draft) -> Result<(), SpecError> {
    let Some(attached) = inputs.options.process.terminal else {
        return Ok(());
    };
    draft.process.set_terminal(attached.then_some(true));
    draft.set_by("/process/terminal", || Origin::option("process.terminal"));
    if let Some((height, width)) = inputs.options.process.console_size {
        let size = from_json(json!({"height": height, "width": width}))?;
        draft.process.set_console_size(Some(size));
        draft.by(|| Origin::option("process.console_size"));
    }
    if attached {
        let mut env = draft.process.env().clone().unwrap_or_default();
        if inputs.rules == ImageRules::Containerd || !has(&env, "TERM") {
            env.push("TERM=xterm".to_owned());
        }
        draft.process.set_env(Some(env));
        draft.by(|| Origin::rule("terminal", "TERM of a terminal"));
        let request = if inputs.is_exec() { "ExecProcessRequest" } else { "CreateTaskRequest" };
        draft.warnings.push(format!("a terminal is attached: {request}.terminal must be true"));
    }
    Ok(())
}
