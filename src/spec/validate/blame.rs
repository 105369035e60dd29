//! Whose fault a broken rule is: a field of the request, the image, or else the place in the spec.

use super::{Broken, Place, PlaceStep, broken, setters};
use crate::domain::request::Options;
use crate::domain::violation::{Violation, Violations};
use crate::spec::error::SpecError;
use crate::spec::opt::Inputs;
use serde_json::Value;

const PATCH: &str = "options.spec_merge_patch";

/// Checks the finished spec of a request, and answers with what is only to be told.
///
/// # Errors
///
/// [`SpecError::Image`] where the image alone has caused it, else [`SpecError::Request`] with every broken
/// rule; the field is the request's where the request has set what is wrong, and the spec's otherwise.
pub fn check(spec: &Value, inputs: &Inputs<'_>) -> Result<Vec<String>, SpecError> {
    let options = inputs.options;
    let patch = options.merge_patch.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let (mut wrong, mut warnings) = (Violations::default(), Vec::new());
    for one in broken(spec) {
        if !one.rule.refuses {
            // What the image or a profile always has is nobody's news.
            if by_request(&one, spec, options, patch.as_ref()).is_some() {
                warnings.push(one.to_string());
            }
            continue;
        }
        match by_request(&one, spec, options, patch.as_ref()) {
            Some((field, description)) => {
                // Several places of a spec may come of one field.
                let told =
                    |other: &Violation| other.field == field && other.description == description;
                if !wrong.iter().any(told) {
                    wrong.push_broken(one.rule.name, field, description);
                }
            }
            None if is_of_image(&one.place) => return Err(SpecError::Image(one.description)),
            None => wrong.push_broken(one.rule.name, one.path, one.description),
        }
    }
    if wrong.is_empty() { Ok(warnings) } else { Err(wrong.into()) }
}

/// Checks what a request has set in a part of a spec that has little else in it. The rest was there before,
/// and is not the request's.
///
/// # Errors
///
/// [`SpecError::Request`] with every broken rule.
pub(crate) fn check_part(spec: &Value, part: &[&str], options: &Options) -> Result<(), SpecError> {
    let inside = |place: &Place| {
        let mut steps = place.iter();
        part.iter().all(|key| matches!(steps.next(), Some(PlaceStep::Key(step)) if step == key))
    };
    let mut wrong = Violations::default();
    for one in broken(spec).into_iter().filter(|one| one.rule.refuses && inside(&one.place)) {
        if let Some((field, description)) = by_request(&one, spec, options, None) {
            wrong.push_broken(one.rule.name, field, description);
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.into()) }
}

/// The request's field behind a broken rule, and what is to be said of it.
fn by_request(
    broken: &Broken,
    spec: &Value,
    options: &Options,
    patch: Option<&Value>,
) -> Option<(String, String)> {
    let against = broken.against.as_ref();
    let patched = |place: &Place| patch.is_some_and(|patch| touches(patch, place));
    if patched(&broken.place) || against.is_some_and(patched) {
        return Some((PATCH.to_owned(), broken.to_string()));
    }
    if let Some(field) = setters::field(&broken.place, spec, options) {
        return Some((field, broken.description.clone()));
    }
    let field = setters::field(against?, spec, options)?;
    Some((field, broken.to_string()))
}

/// Whether a merge patch sets a place, or removes it.
fn touches(patch: &Value, place: &Place) -> bool {
    let mut value = patch;
    for step in place {
        let Value::Object(object) = value else { return true };
        let PlaceStep::Key(key) = step else { return false };
        let Some(inner) = object.get(key) else { return false };
        value = inner;
    }
    true
}

/// Whether a place is filled from the image, where the request does not.
fn is_of_image(place: &Place) -> bool {
    let key = |at: usize| match place.get(at) {
        Some(PlaceStep::Key(key)) => key.as_str(),
        Some(PlaceStep::Index(_)) | None => "",
    };
    key(0) == "process" && ["args", "cwd", "env", "user"].contains(&key(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn keys(path: &[&str]) -> Place {
        path.iter().map(|key| PlaceStep::Key((*key).to_owned())).collect()
    }

    #[test]
    fn a_patch_touches_what_it_sets_removes_or_replaces_with_what_is_around() {
        let patch = json!({"process": {"cwd": "srv", "user": null}, "mounts": [], "linux": {}});
        assert!(touches(&patch, &keys(&["process", "cwd"])));
        assert!(touches(&patch, &keys(&["process", "user", "uid"])));
        let mut mount = keys(&["mounts"]);
        mount.push(PlaceStep::Index(3));
        assert!(touches(&patch, &mount));
        assert!(!touches(&patch, &keys(&["process", "args"])));
        assert!(!touches(&patch, &keys(&["linux", "sysctl"])));
        assert!(!touches(&patch, &keys(&["root"])));
    }
}
