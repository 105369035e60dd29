//! Where two specs differ, leaf by leaf.
//!
//! Elements of lists are known again as they are between two steps of one assembly, so that one more at the
//! front of a list is one difference.

use crate::spec::provenance::lists;
use crate::spec::provenance::tree::inside;
use serde_json::Value;

/// A leaf that differs, by its pointers in the one spec and in the other; nothing where one has none.
type Difference = (Option<String>, Option<String>);

/// Every leaf in which two specs differ, in the order of the second, by its pointers in both.
///
/// That elements which have names are in another order is no difference.
#[must_use]
pub fn differences(one: &Value, other: &Value) -> Vec<(Option<String>, Option<String>)> {
    let mut found = Vec::new();
    walk(Some(("", one)), Some(("", other)), &mut found);
    found
}

/// A place and what stands there.
type Place<'a> = Option<(&'a str, &'a Value)>;

fn walk(one: Place<'_>, other: Place<'_>, found: &mut Vec<Difference>) {
    match (one, other) {
        (Some((_, left)), Some((_, right))) if left == right => {}
        (Some((at, Value::Object(left))), Some((to, Value::Object(right))))
            if !left.is_empty() && !right.is_empty() =>
        {
            for (key, value) in right {
                let (from, to) = (inside(at, key), inside(to, key));
                let left = left.get(key).map(|value| (from.as_str(), value));
                walk(left, Some((&to, value)), found);
            }
            for (key, value) in left.iter().filter(|(key, _)| !right.contains_key(*key)) {
                walk(Some((&inside(at, key), value)), None, found);
            }
        }
        (Some((at, Value::Array(left))), Some((to, Value::Array(right))))
            if !left.is_empty() && !right.is_empty() =>
        {
            let pairs = lists::pairs(to, left, right);
            let mut alone = vec![true; left.len()];
            for (index, (value, from)) in right.iter().zip(pairs).enumerate() {
                let to = inside(to, &index.to_string());
                let from = from.and_then(|from| {
                    *alone.get_mut(from)? = false;
                    Some((inside(at, &from.to_string()), left.get(from)?))
                });
                let from = from.as_ref().map(|(at, value)| (at.as_str(), *value));
                walk(from, Some((&to, value)), found);
            }
            for (index, value) in left.iter().enumerate().filter(|(index, _)| alone[*index]) {
                walk(Some((&inside(at, &index.to_string()), value)), None, found);
            }
        }
        (Some((at, left)), Some((to, right))) if is_leaf(left) && is_leaf(right) => {
            found.push((Some(at.to_owned()), Some(to.to_owned())));
        }
        (one, other) => {
            leaves(one, &mut |at| found.push((Some(at), None)));
            leaves(other, &mut |to| found.push((None, Some(to))));
        }
    }
}

fn is_leaf(value: &Value) -> bool {
    let empty_object = value.as_object().is_none_or(serde_json::Map::is_empty);
    empty_object && value.as_array().is_none_or(Vec::is_empty)
}

/// Tells of each leaf of a place.
fn leaves(place: Place<'_>, tell: &mut impl FnMut(String)) {
    let Some((at, value)) = place else { return };
    if is_leaf(value) {
        tell(at.to_owned());
    }
    for (key, value) in value.as_object().into_iter().flatten() {
        leaves(Some((&inside(at, key), value)), tell);
    }
    for (index, value) in value.as_array().into_iter().flatten().enumerate() {
        leaves(Some((&inside(at, &index.to_string()), value)), tell);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn lines(one: &Value, other: &Value) -> Vec<String> {
        let text = |at: &Option<String>| at.clone().unwrap_or_else(|| "-".to_owned());
        let lines = differences(one, other);
        lines.iter().map(|(one, other)| format!("{} {}", text(one), text(other))).collect()
    }

    #[test]
    fn one_more_at_the_front_is_one_difference() {
        let one = json!({"mounts": [{"destination": "/a", "options": ["ro"]}], "x": 1, "gone": {"a": [2]}});
        let other = json!({
            "mounts": [{"destination": "/b"}, {"destination": "/a", "options": ["rw", "z"]}],
            "x": 1,
            "new": {},
        });
        assert_eq!(
            lines(&one, &other),
            [
                "- /mounts/0/destination",
                "/mounts/0/options/0 /mounts/1/options/0",
                "- /mounts/1/options/1",
                "- /new",
                "/gone/a/0 -",
            ]
        );
        assert!(lines(&other, &other).is_empty());
    }

    #[test]
    fn what_became_something_else_altogether_is_there_twice() {
        let (one, other) = (json!({"a": {"b": 1}, "c": 2}), json!({"a": [3], "c": {}}));
        assert_eq!(lines(&one, &other), ["/a/b -", "- /a/0", "/c /c"]);
    }
}
