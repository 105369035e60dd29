//! The environment.

use crate::domain::env::{DEFAULT_PATH, Entry, has, merge};
use crate::domain::image_rules::ImageRules;
use crate::domain::origin::Origin;
use crate::spec::draft::Draft;
use crate::spec::error::SpecError;
use crate::spec::journal::Leaf;
use crate::spec::opt::Inputs;

/// Sets the environment: the image's, a default PATH where the rules have one, then the caller's changes
/// in order. An exec's is the container's own with the caller's changes.
///
/// HOME is never set: the runtime finds it in the container.
///
/// containerd: `oci.WithImageConfig`, then `oci.WithEnv`.
pub(crate) fn env(inputs: &Inputs<'_>, draft: &mut Draft) -> Result<(), SpecError> {
    let own = draft.process.env().clone().unwrap_or_default();
    let changes = &inputs.options.process.env;
    let image = (!inputs.is_exec()).then(|| of_image(inputs, draft));
    draft.remade("/process/env", |own| {
        let given = inputs.container().and_then(|container| container.env.as_deref());
        let given = given.map_or(0, <[String]>::len);
        let image = image.as_ref().map(|entries| {
            leaves(entries, |index| match (index + given).checked_sub(entries.len()) {
                Some(index) => Origin::image(format!("config.Env[{index}]")),
                None => Origin::rule("env", "the default PATH"),
            })
        });
        let changes = leaves(changes, |index| Origin::option(format_args!("process.env[{index}]")));
        merged(image, own, &changes)
    });
    let env = merged(image, own, changes);
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

/// What the image has, if there is one, under what stands there already, under the caller's changes.
fn merged<E: Entry>(image: Option<Vec<E>>, own: Vec<E>, changes: &[E]) -> Vec<E> {
    let below = match image {
        Some(image) => merge(&image, &own),
        None => own,
    };
    if changes.is_empty() { below } else { merge(&below, changes) }
}

fn leaves<'a>(
    entries: impl IntoIterator<Item = &'a String>,
    origin: impl Fn(usize) -> Origin,
) -> Vec<Leaf> {
    let leaf = |(index, entry): (usize, &String)| Leaf::new(entry.as_str(), origin(index));
    entries.into_iter().enumerate().map(leaf).collect()
}
