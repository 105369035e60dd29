//! The environment.

use super::{Assembly, Inputs, Origin, SpecError, namespaces};
use crate::domain::env::{DEFAULT_PATH, Entry, has, lay_over, merge, put_before};
use crate::domain::image_rules::ImageRules;
use crate::domain::sandbox::NamespaceKind;
use crate::spec::provenance::Leaf;

/// Sets the environment: the image's, a default PATH where the rules have one, then the request's changes in
/// order. An exec starts with the container's environment. Later steps add to it: `terminal` and `cdi`.
///
/// HOME is never set: the runtime finds it in the container.
///
/// containerd: `oci.WithImageConfig`, then `oci.WithEnv`. Docker: `Container.CreateDaemonEnvironment`.
pub(super) fn env(inputs: &Inputs<'_>, assembly: &mut Assembly) -> Result<(), SpecError> {
    let own = std::mem::take(&mut assembly.process().env);
    let changes = &inputs.options.process.env;
    let image = (!inputs.is_exec()).then(|| read_image_env(inputs, assembly));
    let docker = inputs.additions.docker_environment && !inputs.is_exec();
    let docker = docker.then(|| docker_variables(inputs, assembly));
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
        let docker = docker.as_ref().map(|entries| {
            leaves(entries, |_| Origin::rule("env", "a variable of Docker's daemon"))
        });
        merged(docker, image, own, &changes)
    });
    let env = merged(docker, image, own, changes);
    if !has(&env, "PATH") {
        assembly.warnings.push(
            "the environment has no PATH: only a command with a slash in its name is found"
                .to_owned(),
        );
    }
    assembly.process().env = env;
    Ok(())
}

/// The variables of Docker's daemon, in its order: PATH, HOSTNAME and, with a terminal, TERM.
fn docker_variables(inputs: &Inputs<'_>, assembly: &mut Assembly) -> Vec<String> {
    let name = match &inputs.options.hostname {
        Some(name) => Some(name),
        // The container has the host's name, which is not known.
        None if !namespaces::will_have(inputs, assembly, NamespaceKind::Network) => None,
        None => Some(&assembly.spec.hostname).filter(|name| !name.is_empty()),
    };
    let name = name.map(|name| ["HOSTNAME=", name].concat());
    let term = (inputs.options.process.terminal == Some(true)).then(|| "TERM=xterm".to_owned());
    let image = inputs.container().and_then(|container| container.env.as_ref());
    let mut variables = Vec::with_capacity(3 + image.map_or(0, Vec::len));
    variables.push(DEFAULT_PATH.to_owned());
    variables.extend(name.into_iter().chain(term));
    variables
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

/// The image's environment below the existing one, below the request's changes; the variables of Docker's daemon, where there are
/// any, below all of it.
fn merged<E: Entry>(
    docker: Option<Vec<E>>,
    image: Option<Vec<E>>,
    own: Vec<E>,
    changes: &[E],
) -> Vec<E> {
    let below = match image {
        // The same, without a copy.
        Some(mut image) if own.is_empty() => {
            image.retain(Entry::stays);
            image
        }
        Some(image) => merge(&image, &own),
        None => own,
    };
    let Some(docker) = docker else {
        return if changes.is_empty() { below } else { merge(&below, changes) };
    };
    let (config, removed) = put_before(changes, below);
    let mut merged = lay_over(docker, config);
    merged.extend(removed.into_iter().filter(Entry::stays));
    merged
}

fn leaves<'a>(
    entries: impl IntoIterator<Item = &'a String>,
    origin: impl Fn(usize) -> Origin,
) -> Vec<Leaf> {
    let leaf = |(index, entry): (usize, &String)| Leaf::new(entry.as_str(), origin(index));
    entries.into_iter().enumerate().map(leaf).collect()
}
