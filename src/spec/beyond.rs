//! What oci-spec's types cannot hold: kept as JSON beside them, at its place.
//!
//! A type drops the fields that it does not know. Here they are found, by taking a value apart and putting
//! it together, and laid back when the spec is encoded. A few fields it knows by other names than the
//! specification, or not with every value; no step reads those, so they are never given to it.
//!
//! Invariant: what is kept here stands in no type, so that the two never contradict each other.

use serde_json::{Map, Value};

/// Fields that are never given to a type.
const APART: [(&str, &str); 7] = [
    ("process", "scheduler"),       // lacks SCHED_FLAG_DL_OVERRUN
    ("process", "execCPUAffinity"), // rewrites the lists
    ("linux", "intelRdt"),          // calls enableCMT and enableMBM otherwise
    ("linux", "netDevices"),
    ("linux", "memoryPolicy"),
    ("linux", "personality"),
    ("linux", "timeOffsets"),
];

/// Takes the fields of a section out that are never given to a type.
pub(crate) fn apart(section: &str, value: &mut Value) -> Map<String, Value> {
    let fields = APART.iter().filter(|(of, _)| *of == section);
    let Value::Object(object) = value else {
        return Map::new();
    };
    let taken = fields.filter_map(|(_, field)| {
        object
            .shift_remove(*field)
            .filter(|value| !value.is_null())
            .map(|v| ((*field).to_owned(), v))
    });
    taken.collect()
}

/// The same for a whole spec.
pub(crate) fn apart_of_spec(spec: &mut Value) -> Map<String, Value> {
    let mut all = Map::new();
    for section in ["process", "linux"] {
        let taken = spec.get_mut(section).map(|value| apart(section, value));
        if let Some(taken) = taken.filter(|taken| !taken.is_empty()) {
            all.insert(section.to_owned(), taken.into());
        }
    }
    all
}

/// What of a value is not in what a type made of it; nothing where all is.
///
/// # Errors
///
/// The path of a field that is lost inside a list: lists are edited, so it would find no place again.
pub(crate) fn lost(whole: Value, held: &Value) -> Result<Option<Value>, String> {
    match (whole, held) {
        (Value::Object(whole), Value::Object(held)) => {
            let mut beyond = Map::new();
            for (key, value) in whole {
                let found = match held.get(&key) {
                    None if value.is_null() => None,
                    None => Some(value),
                    Some(inner) => lost(value, inner).map_err(|path| format!("{key}.{path}"))?,
                };
                beyond.extend(found.map(|found| (key, found)));
            }
            Ok((!beyond.is_empty()).then_some(Value::Object(beyond)))
        }
        (Value::Array(whole), Value::Array(held)) if whole.len() == held.len() => {
            for (index, (value, inner)) in whole.into_iter().zip(held).enumerate() {
                let place = |path: String| format!("[{index}].{path}");
                if let Some(beyond) = lost(value, inner).map_err(place)? {
                    return Err(place(first_key(&beyond)));
                }
            }
            Ok(None)
        }
        _ => Ok(None),
    }
}

/// The path of the first field in a value.
fn first_key(value: &Value) -> String {
    let Some((key, inner)) = value.as_object().and_then(|object| object.iter().next()) else {
        return String::new();
    };
    match inner.as_object() {
        Some(object) if !object.is_empty() => format!("{key}.{}", first_key(inner)),
        _ => key.clone(),
    }
}

/// Lays back what was kept; a field that a type has since got stays the type's.
pub(crate) fn lay(value: &mut Value, beyond: &Value) {
    let (Value::Object(target), Value::Object(beyond)) = (value, beyond) else {
        return;
    };
    for (key, kept) in beyond {
        match target.get_mut(key) {
            Some(inner) => lay(inner, kept),
            None => {
                target.insert(key.clone(), kept.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_lost_is_found_and_laid_back() {
        let whole =
            json!({"a": 1, "b": {"c": 2, "new": {"x": [1]}}, "gone": null, "l": [{"k": 1}]});
        let held = json!({"a": 1, "b": {"c": 2}, "l": [{"k": 1}]});
        let beyond = lost(whole, &held).unwrap().unwrap();
        assert_eq!(beyond, json!({"b": {"new": {"x": [1]}}}));
        let mut value = json!({"a": 7, "b": {"c": 3}});
        lay(&mut value, &beyond);
        assert_eq!(value, json!({"a": 7, "b": {"c": 3, "new": {"x": [1]}}}));
        assert_eq!(lost(held.clone(), &held), Ok(None));
    }

    #[test]
    fn in_a_list_it_is_refused_with_its_path() {
        let whole = json!({"m": [{"k": 1}, {"k": 1, "new": {"deep": 1}}]});
        let held = json!({"m": [{"k": 1}, {"k": 1}]});
        assert_eq!(lost(whole, &held).unwrap_err(), "m.[1].new.deep");
    }

    #[test]
    fn fields_that_types_hold_badly_are_kept_apart() {
        let mut spec = json!({
            "process": {"cwd": "/", "scheduler": {"flags": ["SCHED_FLAG_DL_OVERRUN"]}},
            "linux": {"intelRdt": {"enableCMT": true}, "personality": null},
        });
        let whole = spec.clone();
        let kept = apart_of_spec(&mut spec);
        assert_eq!(spec, json!({"process": {"cwd": "/"}, "linux": {}}));
        lay(&mut spec, &kept.into());
        assert_eq!(spec["process"], whole["process"]);
        assert_eq!(spec["linux"], json!({"intelRdt": {"enableCMT": true}}));
    }

    #[test]
    fn a_section_that_came_later_gets_what_was_kept_of_it() {
        let mut value = json!({});
        lay(&mut value, &json!({"linux": {"x": 1}}));
        assert_eq!(value, json!({"linux": {"x": 1}}));
    }
}
