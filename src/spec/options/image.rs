//! Images that the rules refuse as a whole.

use crate::domain::image_rules::ImageRules;
use crate::spec::draft::Draft;
use crate::spec::error::SpecError;
use crate::spec::opt::Inputs;

/// Refuses, under faas-rs's rules, an image without a configuration, Env and Cmd, in faas-rs's words, and
/// warns of what faas-rs fills in.
pub(crate) fn image(inputs: &Inputs<'_>, draft: &mut Draft) -> Result<(), SpecError> {
    if inputs.rules != ImageRules::FaasRs {
        return Ok(());
    }
    let refusal = |text: &str| SpecError::Image(text.to_owned());
    let container = inputs.container().ok_or_else(|| refusal("Image configuration not found"))?;
    container.env.as_ref().ok_or_else(|| refusal("Environment variables not found"))?;
    container.cmd.as_ref().ok_or_else(|| refusal("Command arguments not found"))?;
    if container.exposed_ports.is_none() {
        draft.warnings.push("the image exposes no port, 8080/tcp is assumed".to_owned());
    }
    if container.working_dir.is_empty() {
        draft.warnings.push("the image has no working directory, / is used".to_owned());
    }
    Ok(())
}
