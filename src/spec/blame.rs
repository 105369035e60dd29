//! Who broke a rule: a field of the request, the image, or else the place in the spec.
//!
//! It is read from the provenance of the spec, so it always agrees with what `Explain` answers.

use crate::domain::origin::{Origin, snake_case};
use crate::domain::request::Options;
use crate::domain::violation::Violations;
use crate::oci::{Place, Step};
use crate::spec::assembly::Assembly;
use crate::spec::error::SpecError;
use crate::spec::rules::Broken;
use std::collections::HashSet;

/// The request's field for a merge patch.
pub(crate) const PATCH: &str = "options.spec_merge_patch";

/// Judges the broken rules of a spec, and returns the warnings among them.
///
/// # Errors
///
/// [`SpecError::Image`] where the image alone has caused it, else [`SpecError::Request`] with what the steps refused and
/// every rule that refuses: the field is the request's where the request has set the place, and the spec's otherwise.
pub(crate) fn judge(
    broken: Vec<Broken>,
    assembly: &Assembly,
    options: &Options,
) -> Result<Vec<String>, SpecError> {
    let (mut wrong, mut warnings) = (Blamed::with(&assembly.refused), Vec::new());
    for one in broken {
        match (find_field(&one, assembly, options), one.rule.refuses) {
            (Some(_), false) => warnings.push(one.to_string()),
            // A profile or an image that is warned of has nothing to do with this request.
            (None, false) => {}
            (Some((field, description)), true) => wrong.push(one.rule.name, field, description),
            // What a refused step left out may be the reason.
            (None, true) if !assembly.refused.is_empty() => {}
            (None, true) if is_filled_from_image(&one.place) => {
                return Err(SpecError::Image(match find_image_field(&one.place, assembly) {
                    Some(field) => format!("the image's {field}: {}", one.description),
                    None => one.description,
                }));
            }
            (None, true) => wrong.push(one.rule.name, one.place.to_string(), one.description),
        }
    }
    wrong.into_result().map(|()| warnings)
}

/// The broken rules that refuse something in a part of a spec.
pub(crate) fn refused_in_part(broken: Vec<Broken>, part: &[&str]) -> Vec<Broken> {
    let is_inside = |place: &Place| part.iter().enumerate().all(|(at, key)| place.key(at) == *key);
    broken.into_iter().filter(|one| one.rule.refuses && is_inside(&one.place)).collect()
}

/// Judges only what the request has set. The rest was stored before.
///
/// # Errors
///
/// [`SpecError::Request`] with what the steps refused and every broken rule.
pub(crate) fn judge_request(
    broken: Vec<Broken>,
    assembly: &Assembly,
    options: &Options,
) -> Result<(), SpecError> {
    let mut wrong = Blamed::with(&assembly.refused);
    for one in broken {
        if let Some((field, description)) = find_field(&one, assembly, options) {
            wrong.push(one.rule.name, field, description);
        }
    }
    wrong.into_result()
}

/// The refusal of a merge patch for values of wrong types.
pub(crate) fn refuse_patch(broken: impl Iterator<Item = Broken>) -> SpecError {
    let mut wrong = Violations::default();
    for one in broken {
        wrong.push_broken(one.rule.name, PATCH.to_owned(), one.to_string());
    }
    wrong.into()
}

/// Violations without duplicates: several places of a spec may come from one field.
struct Blamed {
    violations: Violations,
    seen: HashSet<(String, String)>,
}

impl Blamed {
    fn with(refused: &Violations) -> Self {
        Self { violations: refused.clone(), seen: HashSet::new() }
    }

    fn push(&mut self, rule: &'static str, field: String, description: String) {
        if self.seen.insert((field.clone(), description.clone())) {
            self.violations.push_broken(rule, field, description);
        }
    }

    fn into_result(self) -> Result<(), SpecError> {
        if self.violations.is_empty() { Ok(()) } else { Err(self.violations.into()) }
    }
}

/// The request's field that set what is wrong, and a description for it.
fn find_field(broken: &Broken, assembly: &Assembly, options: &Options) -> Option<(String, String)> {
    let against = broken.against.as_ref();
    let fields = [Some(&broken.place), against].map(|place| {
        let place = place?;
        find_origin(place, assembly).or_else(|| find_user_field(place, options))
    });
    match fields {
        [Some(field), _] | [_, Some(field)] if field == PATCH => Some((field, broken.to_string())),
        [Some(field), _] => Some((field, broken.description.clone())),
        [None, Some(field)] => Some((field, broken.to_string())),
        [None, None] => None,
    }
}

/// The field of the request that a place, or something in it, comes from.
fn find_origin(place: &Place, assembly: &Assembly) -> Option<String> {
    let provenance = assembly.provenance.as_ref()?;
    provenance.origins_at(place).into_iter().find_map(|origin| match origin {
        Origin::MergePatch(_) => Some(PATCH.to_owned()),
        Origin::Option { field, depth } => {
            let inside = depth.and_then(|depth| place.0.get(depth..)).unwrap_or_default();
            Some(format!("{field}{}", inside.iter().map(show_step).collect::<String>()))
        }
        Origin::Profile { .. }
        | Origin::Image(_)
        | Origin::Rule { .. }
        | Origin::Account { .. }
        | Origin::Host(_) => None,
    })
}

/// The field of the image's configuration that a place, or something in it, comes from.
fn find_image_field<'a>(place: &Place, assembly: &'a Assembly) -> Option<&'a str> {
    let origins = assembly.provenance.as_ref()?.origins_at(place);
    origins.into_iter().find_map(|origin| {
        if let Origin::Image(field) = origin { Some(field.as_str()) } else { None }
    })
}

fn show_step(step: &Step) -> String {
    match step {
        Step::Key(key) => format!(".{}", snake_case(key)),
        Step::Index(index) => format!("[{index}]"),
    }
}

/// The field that asked for a user or a group, which account files made a number of.
fn find_user_field(place: &Place, options: &Options) -> Option<String> {
    if (place.key(0), place.key(1)) != ("process", "user") {
        return None;
    }
    if place.key(2) == "additionalGids" && !options.user.additional_groups.is_empty() {
        return Some("options.user.additional_groups".to_owned());
    }
    let field = if options.user.by_username { "username" } else { "user" };
    options.user.user.as_ref().map(|_| format!("options.user.{field}"))
}

/// Whether a place is filled from the image, unless the request does.
fn is_filled_from_image(place: &Place) -> bool {
    place.key(0) == "process" && ["args", "cwd", "env", "user"].contains(&place.key(1))
}
