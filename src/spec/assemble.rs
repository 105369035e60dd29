//! From a profile, an image and options to the bytes of a spec: every step, then the rules, then the encoding.

use crate::domain::host_facts::HostFacts;
use crate::domain::ids::{ContainerId, Namespace};
use crate::domain::origin::{Field, Origin, UserOrigins};
use crate::domain::request::Options;
use crate::image::metadata::config::{ContainerConfig, ImageConfig};
use crate::image::platform::Platform;
use crate::oci;
use crate::spec::allowance::Allowance;
use crate::spec::assembly::Assembly;
use crate::spec::encode::{Encoded, Finished};
use crate::spec::equipment::Equipment;
use crate::spec::error::SpecError;
use crate::spec::facts::SpecFacts;
use crate::spec::inputs::Inputs;
use crate::spec::profile::Profile;
use crate::spec::rules::Broken;
use crate::spec::steps::{STEPS, Step};
use crate::spec::{blame, rules};
use crate::users::user::ProcessUser;

/// Makes the spec of one container.
///
/// # Errors
///
/// The first refusal of the image, or else every refusal of the request at once.
pub fn generate(
    profile: &Profile,
    namespace: &Namespace,
    inputs: &Inputs<'_>,
    user: impl Fn() -> UserOrigins,
) -> Result<Finished, SpecError> {
    match attempt(profile, namespace, inputs)? {
        Attempt::Finished(finished) => Ok(finished),
        Attempt::Broken(broken) => broken.judge(profile, namespace, inputs, user),
    }
}

/// A spec, or a part of one, after the first look at it.
#[derive(Debug)]
pub enum Attempt<Finished, Broken> {
    /// It breaks no rule.
    Finished(Finished),
    /// It breaks rules.
    Broken(Box<Broken>),
}

/// A spec that breaks rules, which refuse it or only warn.
#[derive(Debug)]
pub struct BrokenSpec {
    assembly: Assembly,
    broken: Vec<Broken>,
}

/// Makes the spec of one container, as far as that is cheap: a spec that breaks rules is not judged yet.
///
/// # Errors
///
/// As of [`generate`], except what breaks a rule.
pub fn attempt(
    profile: &Profile,
    namespace: &Namespace,
    inputs: &Inputs<'_>,
) -> Result<Attempt<Finished, BrokenSpec>, SpecError> {
    let assembly = assemble(profile, namespace, inputs)?;
    let broken = find_broken(profile, &assembly.spec, inputs)?;
    if broken.is_empty() {
        if !assembly.refused.is_empty() {
            return Err(assembly.refused.into());
        }
        return encode(&assembly.spec, assembly.warnings).map(Attempt::Finished);
    }
    Ok(Attempt::Broken(Box::new(BrokenSpec { assembly, broken })))
}

impl BrokenSpec {
    /// Finds out who broke the rules, which takes about ten times as long as [`attempt`], and refuses the spec or warns.
    ///
    /// # Errors
    ///
    /// Every refusal at once.
    pub fn judge(
        self,
        profile: &Profile,
        namespace: &Namespace,
        inputs: &Inputs<'_>,
        user: impl Fn() -> UserOrigins,
    ) -> Result<Finished, SpecError> {
        let explained = assemble_recorded(profile, namespace, inputs, &user())?;
        let mut warnings = self.assembly.warnings;
        warnings.extend(blame::judge(self.broken, &explained, inputs.options)?);
        encode(&self.assembly.spec, warnings)
    }
}

/// Whether the plainest request can use a profile: an image with a command, root, and no options.
///
/// # Errors
///
/// What is wrong with the spec of that request.
pub fn check_profile(profile: &Profile) -> Result<(), SpecError> {
    let internal = |error: &dyn std::fmt::Display| SpecError::Internal(error.to_string());
    let namespace = Namespace::parse("default").map_err(|error| internal(&error))?;
    let id = ContainerId::parse("specd").map_err(|error| internal(&error))?;
    let (platform, host) = (Platform::new("linux", "amd64", ""), HostFacts::default());
    let container = ContainerConfig {
        env: Some(vec!["PATH=/bin".to_owned()]),
        cmd: Some(vec!["/bin/true".to_owned()]),
        ..ContainerConfig::default()
    };
    let image = ImageConfig { container: Some(container), ..ImageConfig::default() };
    let inputs = Inputs {
        id: &id,
        host: &host,
        platform: &platform,
        seccomp: &profile.seccomp,
        rules: profile.rules,
        user_mounts: profile.user_mounts,
        additions: profile.additions,
        image: Some(&image),
        options: &Options::default(),
        equipment: &Equipment::default(),
        user: Some(&ProcessUser::bare_root()),
        allowance: Allowance::UNLIMITED,
    };
    let root = || Origin::Image("config.User".to_owned());
    let user = || UserOrigins { uid: root(), gid: root(), additional_gids: Vec::new() };
    generate(profile, &namespace, &inputs, user).map(drop)
}

/// Makes the same spec, and says for each leaf of it how it came to be.
///
/// # Errors
///
/// The same as of [`generate`].
pub fn explain(
    profile: &Profile,
    namespace: &Namespace,
    inputs: &Inputs<'_>,
    user: impl Fn() -> UserOrigins,
) -> Result<(Finished, Vec<Field>), SpecError> {
    let mut assembly = assemble_recorded(profile, namespace, inputs, &user())?;
    let broken = find_broken(profile, &assembly.spec, inputs)?;
    let judged = blame::judge(broken, &assembly, inputs.options)?;
    let mut warnings = std::mem::take(&mut assembly.warnings);
    warnings.extend(judged);
    let encoded = encode(&assembly.spec, warnings)?;
    Ok((encoded, assembly.into_fields(inputs.allowance.explained_bytes)?))
}

/// Every rule that a spec breaks, without the warnings that are the profile's.
fn find_broken(
    profile: &Profile,
    spec: &oci::Spec,
    inputs: &Inputs<'_>,
) -> Result<Vec<Broken>, SpecError> {
    let mut broken = rules::find_broken_while(spec, inputs.host, inputs.allowance)?;
    let is_the_profiles = |one: &Broken| {
        profile.warned.iter().any(|(rule, place)| *rule == one.rule.name && *place == one.place)
    };
    broken.retain(|one| one.rule.refuses || !is_the_profiles(one));
    Ok(broken)
}

fn encode(spec: &oci::Spec, mut warnings: Vec<String>) -> Result<Finished, SpecError> {
    warnings.extend(oci::foreign_fields(spec));
    let encoded = Encoded { json: oci::json::to_vec(spec)?, warnings };
    Ok(Finished { encoded, facts: SpecFacts::of(spec) })
}

/// Takes every step on the profile's spec, then applies the merge patch.
pub(crate) fn assemble(
    profile: &Profile,
    namespace: &Namespace,
    inputs: &Inputs<'_>,
) -> Result<Assembly, SpecError> {
    finish(profile.assembly(namespace, inputs.id, inputs.host), inputs, None)
}

/// The same, with the provenance of each value.
pub(crate) fn assemble_recorded(
    profile: &Profile,
    namespace: &Namespace,
    inputs: &Inputs<'_>,
    user: &UserOrigins,
) -> Result<Assembly, SpecError> {
    finish(profile.recorded_assembly(namespace, inputs.id, inputs.host), inputs, Some(user))
}

fn finish(
    mut assembly: Assembly,
    inputs: &Inputs<'_>,
    user: Option<&UserOrigins>,
) -> Result<Assembly, SpecError> {
    take_steps(STEPS.iter(), inputs, &mut assembly, user)?;
    if let Some(patch) = &inputs.options.merge_patch {
        inputs.allowance.check()?;
        let patched = assembly.apply_merge_patch(patch);
        assembly.note_refusal(patched)?;
    }
    Ok(assembly)
}

/// Takes steps in order, and notes what they refuse.
pub(crate) fn take_steps<'a>(
    steps: impl IntoIterator<Item = &'a Step>,
    inputs: &Inputs<'_>,
    assembly: &mut Assembly,
    user: Option<&UserOrigins>,
) -> Result<(), SpecError> {
    for step in steps {
        inputs.allowance.check()?;
        assembly.start_step(step.name);
        let taken = (step.run)(inputs, assembly);
        assembly.note_refusal(taken)?;
        if let ("user", Some(origins)) = (step.name, user) {
            assembly.attribute_user(origins);
        }
    }
    Ok(())
}
