//! JSON merge patches: RFC 7396.

use serde_json::{Map, Value};

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
