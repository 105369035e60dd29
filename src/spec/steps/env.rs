//! The environment.

use crate::domain::env::{DEFAULT_PATH, Entry, has, merge};
use crate::domain::image_rules::ImageRules;
use crate::domain::origin::Origin;
use crate::spec::assembly::Assembly;
use crate::spec::error::SpecError;
use crate::spec::inputs::Inputs;
use crate::spec::provenance::Leaf;

/// Sets the environment: the image's, a default PATH where the rules have one, then the request's changes in
/// order. An exec starts with the container's environment. Later steps add to it: `terminal` and `cdi`.
///
/// HOME is never set: the runtime finds it in the container.
///
/// containerd: `oci.WithImageConfig`, then `oci.WithEnv`.
pub(super) fn env(inputs: &Inputs<'_>, assembly: &mut Assembly) -> Result<(), SpecError> {
    let own = std::mem::take(&mut assembly.process().env);
    let changes = &inputs.options.process.env;
    let image = (!inputs.is_exec()).then(|| read_image_env(inputs, assembly));
    assembly.rebuild_list("/process/env", |own| {
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
        assembly.warnings.push(
            "the environment has no PATH: only a command with a slash in its name is found"
                .to_owned(),
        );
    }
    assembly.process().env = env;
    Ok(())
}

/// The image's environment, and a default PATH where the rules have one.
fn read_image_env(inputs: &Inputs<'_>, assembly: &mut Assembly) -> Vec<String> {
    let image_env = inputs.container().and_then(|container| container.env.clone());
    let mut env = image_env.unwrap_or_default();
    let fills_in = match inputs.rules {
        ImageRules::Oci => !has(&env, "PATH"),
        ImageRules::Containerd => env.is_empty(),
        ImageRules::FaasRs => false,
    };
    if fills_in {
        env.insert(0, DEFAULT_PATH.to_owned());
        assembly.warnings.push("the image sets no PATH, the default one is used".to_owned());
    }
    env
}

/// The image's environment below the existing one, below the request's changes.
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
