//! Changes on a JSON value: a JSON Patch (RFC 6902), applied from the first to the last, with the order of fields.
//!
//! What RFC 6902 lets one add says what it does not: `before` is the field before which an added one stands (without it, it is the
//! last), and `was` is the entry that a removal takes out of a list, for the reader, and to notice that the list has changed.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum Change {
    Add {
        path: String,
        value: Value,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<String>,
    },
    Replace {
        path: String,
        value: Value,
    },
    Remove {
        path: String,
        #[serde(default, skip_serializing_if = "Value::is_null")]
        was: Value,
    },
}

/// Applies changes, or says which one does not fit.
pub(crate) fn apply(value: &mut Value, changes: Vec<Change>) -> Result<(), String> {
    for change in changes {
        let text = format!("{change:?}");
        apply_one(value, change).ok_or_else(|| format!("does not fit: {text}"))?;
    }
    Ok(())
}

fn apply_one(value: &mut Value, change: Change) -> Option<()> {
    match change {
        Change::Add { path, value: new, before } => match parent(value, &path)? {
            (Value::Object(object), key) if !object.contains_key(&key) => {
                let at = match before {
                    Some(before) => object.keys().position(|key| *key == before)?,
                    None => object.len(),
                };
                object.shift_insert(at, key, new);
                Some(())
            }
            (Value::Array(list), index) => {
                let index = index.parse().ok().filter(|index| *index <= list.len())?;
                list.insert(index, new);
                Some(())
            }
            _ => None,
        },
        Change::Replace { path, value: new } => {
            *value.pointer_mut(&path)? = new;
            Some(())
        }
        Change::Remove { path, was } => match parent(value, &path)? {
            (Value::Object(object), key) => object.shift_remove(&key).map(drop),
            (Value::Array(list), index) => {
                let index = index.parse().ok().filter(|index| *index < list.len())?;
                (list.remove(index) == was).then_some(())
            }
            _ => None,
        },
    }
}

/// What holds the value that a pointer names, and under which key or index.
fn parent<'a>(value: &'a mut Value, path: &str) -> Option<(&'a mut Value, String)> {
    let (parent, key) = path.rsplit_once('/')?;
    Some((value.pointer_mut(parent)?, key.replace("~1", "/").replace("~0", "~")))
}
