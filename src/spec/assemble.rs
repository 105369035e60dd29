//! From a profile, an image and options to the bytes of a spec: every step, then the rules, then the encoding.

use crate::domain::ids::Namespace;
use crate::domain::origin::{Field, UserOrigins};
use crate::domain::violation::Violations;
use crate::oci;
use crate::spec::assembly::Assembly;
use crate::spec::encode::Encoded;
use crate::spec::error::SpecError;
use crate::spec::inputs::Inputs;
use crate::spec::profile::Profile;
use crate::spec::steps::{STEPS, Step};
use crate::spec::{blame, rules};

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
) -> Result<Encoded, SpecError> {
    let assembly = assemble(profile, namespace, inputs)?;
    let broken = rules::find_broken(&assembly.spec);
    let mut warnings = assembly.warnings;
    if !broken.is_empty() {
        let explained = assemble_recorded(profile, namespace, inputs, &user())?;
        warnings.extend(blame::judge(broken, &explained, inputs.options)?);
    }
    encode(&assembly.spec, warnings)
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
) -> Result<(Encoded, Vec<Field>), SpecError> {
    let mut assembly = assemble_recorded(profile, namespace, inputs, &user())?;
    let broken = rules::find_broken(&assembly.spec);
    let judged = blame::judge(broken, &assembly, inputs.options)?;
    let mut warnings = std::mem::take(&mut assembly.warnings);
    warnings.extend(judged);
    Ok((encode(&assembly.spec, warnings)?, assembly.into_fields()?))
}

fn encode(spec: &oci::Spec, mut warnings: Vec<String>) -> Result<Encoded, SpecError> {
    warnings.extend(oci::foreign_fields(spec));
    Ok(Encoded { json: oci::json::to_vec(spec)?, warnings })
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
        assembly.apply_merge_patch(patch)?;
    }
    Ok(assembly)
}

/// Takes steps in order, and collects what they refuse.
pub(crate) fn take_steps<'a>(
    steps: impl IntoIterator<Item = &'a Step>,
    inputs: &Inputs<'_>,
    assembly: &mut Assembly,
    user: Option<&UserOrigins>,
) -> Result<(), SpecError> {
    let mut violations = Violations::default();
    for step in steps {
        assembly.start_step(step.name);
        match (step.run)(inputs, assembly) {
            Ok(()) => {}
            Err(SpecError::Request(found)) => violations.extend(found),
            Err(other @ (SpecError::Image(_) | SpecError::Stored(_) | SpecError::Internal(_))) => {
                return Err(other);
            }
        }
        if let ("user", Some(origins)) = (step.name, user) {
            assembly.attribute_user(origins);
        }
    }
    if violations.is_empty() { Ok(()) } else { Err(violations.into()) }
}
