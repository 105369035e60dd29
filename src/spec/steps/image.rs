//! Images that a profile refuses as a whole.

use super::{Assembly, Inputs, SpecError};
use crate::domain::image_rules::ImageRules;

/// Refuses, under faas-rs's rules, an image without a configuration, Env or Cmd, with faas-rs's messages, and
/// warns of values that faas-rs fills in.
pub(super) fn image(inputs: &Inputs<'_>, assembly: &mut Assembly) -> Result<(), SpecError> {
    if inputs.rules != ImageRules::FaasRs {
        return Ok(());
    }
    let refusal = |text: &str| SpecError::Image(text.to_owned());
    let container = inputs.container().ok_or_else(|| refusal("Image configuration not found"))?;
    container.env.as_ref().ok_or_else(|| refusal("Environment variables not found"))?;
    container.cmd.as_ref().ok_or_else(|| refusal("Command arguments not found"))?;
    if container.exposed_ports.is_none() {
        assembly.warnings.push("the image exposes no port, 8080/tcp is assumed".to_owned());
    }
    if container.working_dir.is_empty() {
        assembly.warnings.push("the image has no working directory, / is used".to_owned());
    }
    Ok(())
}
