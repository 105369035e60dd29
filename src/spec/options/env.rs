//! The environment.

use crate::domain::env::{DEFAULT_PATH, has, merge};
use crate::domain::image_rules::ImageRules;
use crate::spec::draft::Draft;
use crate::spec::error::SpecError;
use crate::spec::opt::Inputs;

/// Sets the environment: the image's, a default PATH where the rules have one, then the caller's changes
/// in order. An exec's is the container's own with the caller's changes.
///
/// HOME is never set: the runtime finds it in the container.
///
/// containerd: `oci.WithImageConfig`, then `oci.WithEnv`.
pub(crate) fn env(inputs: &Inputs<'_>, draft: &mut Draft) -> Result<(), SpecError> {
    let own = draft.process.env().clone().unwrap_or_default();
    let below = if inputs.is_exec() { own } else { merge(&of_image(inputs, draft), &own) };
    let changes = &inputs.options.process.env;
    let env = if changes.is_empty() { below } else { merge(&below, changes) };
    if env.iter().any(|entry| entry.contains('\0')) {
        return Err(SpecError::Image("an environment entry has a NUL in it".to_owned()));
    }
    if !has(&env, "PATH") {
        draft.warnings.push(
            "the environment has no PATH: only a command with a slash in its name is found"
                .to_owned(),
        );
    }
    draft.process.set_env((!env.is_empty()).then_some(env));
    Ok(())
}

/// The image's environment, and a default PATH where the rules have one.
fn of_image(inputs: &Inputs<'_>, draft: &mut Draft) -> Vec<String> {
    let of_image = inputs.container().and_then(|container| container.env.clone());
    let mut env = of_image.unwrap_or_default();
    let fills_in = match inputs.rules {
        ImageRules::Oci => !has(&env, "PATH"),
        ImageRules::Containerd => env.is_empty(),
        ImageRules::FaasRs => false,
    };
    if fills_in {
        env.insert(0, DEFAULT_PATH.to_owned());
        draft.warnings.push("the image sets no PATH, the default one is used".to_owned());
    }
    env
}
