//! The environment.

use crate::domain::env::{DEFAULT_PATH, has, merge};
use crate::domain::image_rules::ImageRules;
use crate::spec::draft::Draft;
use crate::spec::error::SpecError;
use crate::spec::opt::Inputs;

/// Sets the environment: the image's, a default PATH where the rules have one, then the caller's changes
/// in order.
///
/// HOME is never set: the runtime finds it in the container.
///
/// containerd: `oci.WithImageConfig`, then `oci.WithEnv`.
pub(crate) fn env(inputs: &Inputs<'_>, draft: &mut Draft) -> Result<(), SpecError> {
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
    let own = draft.process.env().clone().unwrap_or_default();
    let env = merge(&merge(&env, &own), &inputs.options.process.env);
    if !has(&env, "PATH") {
        draft.warnings.push(
            "the environment has no PATH: only a command with a slash in its name is found"
                .to_owned(),
        );
    }
    draft.process.set_env((!env.is_empty()).then_some(env));
    Ok(())
}
