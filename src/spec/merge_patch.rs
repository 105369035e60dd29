//! JSON merge patches: RFC 7396.

use crate::domain::limits::{SPEC_LIST, SPEC_LISTS};
use crate::domain::violation::Violations;
use crate::oci::{Place, Step};
use crate::spec::blame;
use crate::spec::error::SpecError;
use serde_json::{Map, Value};

/// Checks the lengths of the lists of a patch. A list replaces that of the spec, so they are those of the result.
///
/// # Errors
///
/// [`SpecError::Request`] with each list that is too long.
pub fn check_lists(patch: &Value) -> Result<(), SpecError> {
    let mut wrong = Violations::default();
    walk(patch, &mut Place::default(), &mut wrong);
    if wrong.is_empty() { Ok(()) } else { Err(wrong.into()) }
}

fn walk(value: &Value, place: &mut Place, wrong: &mut Violations) {
    if let Value::Array(list) = value {
        let name = place.0.last().map(|step| match step {
            Step::Key(name) => name.as_str(),
            Step::Index(_) => "",
        });
        let limit = SPEC_LISTS.iter().find(|(other, _)| Some(*other) == name);
        let most = limit.map_or(SPEC_LIST, |(_, most)| *most);
        if list.len() > most {
            let text = format_args!("{place} must have at most {most} elements");
            return wrong.push(blame::PATCH, text);
        }
        for (index, value) in list.iter().enumerate() {
            place.enter(index, |place| walk(value, place, wrong));
        }
    }
    for (name, value) in value.as_object().into_iter().flatten() {
        place.enter(name.as_str(), |place| walk(value, place, wrong));
    }
}

/// Applies a patch: an object is merged key by key, `null` removes, anything else replaces.
pub fn apply(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(target) = target else {
        return;
    };
    for (key, value) in patch {
        match value {
            Value::Null => {
                target.shift_remove(&key);
            }
            Value::Array(_)
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Object(_)
            | Value::String(_) => apply(target.entry(key).or_insert(Value::Null), value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lists_are_bounded_by_their_names() {
        let mappings = |count| json!({"linux": {"uidMappings": vec![json!({}); count]}});
        assert!(check_lists(&mappings(340)).is_ok());
        let wrong = check_lists(&mappings(341)).unwrap_err().to_string();
        assert!(wrong.contains("linux.uidMappings must have at most 340 elements"), "{wrong}");
        assert!(check_lists(&json!({"mounts": [{"options": vec!["ro"; 1001]}]})).is_err());
        assert!(check_lists(&json!({"process": {"env": vec!["A=b"; 8192]}})).is_ok());
    }

    /// The examples of the RFC's appendix.
    #[test]
    fn the_standards_own_examples() {
        for (mut target, patch, want) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
            (
                json!({"a": {"b": "c"}}),
                json!({"a": {"b": "d", "c": null}}),
                json!({"a": {"b": "d"}}),
            ),
            (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"a": "b"}), json!(["c"]), json!(["c"])),
            (json!({"a": "foo"}), json!(null), json!(null)),
            (json!({"a": "foo"}), json!("bar"), json!("bar")),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
            (json!([1, 2]), json!({"a": "b", "c": null}), json!({"a": "b"})),
            (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
        ] {
            apply(&mut target, patch.clone());
            assert_eq!(target, want, "{patch}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_second_time_changes_nothing(keys in proptest::collection::vec("[a-c]", 0..6), value: u8) {
            let mut patch = json!({});
            for (depth, key) in keys.iter().enumerate() {
                patch = json!({ key.clone(): patch, "n": depth, "gone": null, "v": value });
            }
            let mut once = json!({"a": {"gone": 1, "b": 2}, "gone": true});
            apply(&mut once, patch.clone());
            let mut twice = once.clone();
            apply(&mut twice, patch);
            proptest::prop_assert_eq!(once, twice);
        }
    }
}
