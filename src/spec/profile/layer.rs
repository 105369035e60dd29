//! The layers of a profile: the files that it is made of, and where in them what stands.

use crate::spec::merge_patch;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashMap};

/// A place in a text, from line 1 and column 1, in bytes as `serde_json` counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// One file: a spec, or a merge patch on that of the layers below.
#[derive(Debug, Clone)]
pub struct Layer {
    /// The profile that the file is of.
    pub name: String,
    /// The file.
    pub file: String,
    /// What is in it.
    pub text: String,
    /// Its spec.
    pub spec: Value,
}

impl Layer {
    /// Where the values of the spec begin in the text, by their pointers.
    #[must_use]
    pub fn positions(&self) -> HashMap<String, Position> {
        let mut offsets = Vec::new();
        let whole: Option<BTreeMap<String, &RawValue>> = serde_json::from_str(&self.text).ok();
        if let Some(spec) = whole.and_then(|file| file.get("spec").copied()) {
            note(&self.text, spec, "", &mut offsets);
        }
        offsets.sort_unstable();
        let mut positions = HashMap::new();
        let (mut line, mut line_start, mut read) = (1, 0, 0);
        for (offset, pointer) in offsets {
            let between = self.text.as_bytes().get(read..offset).unwrap_or_default();
            line += between.iter().filter(|byte| **byte == b'\n').count();
            if let Some(last) = between.iter().rposition(|byte| *byte == b'\n') {
                line_start = read + last + 1;
            }
            read = offset;
            positions.insert(pointer, Position { line, column: offset - line_start + 1 });
        }
        positions
    }
}

/// The spec of layers on top of each other, from the lowest to the highest.
pub(crate) fn stacked<'a>(specs: impl IntoIterator<Item = &'a Value>) -> Value {
    let mut whole = Value::Object(serde_json::Map::new());
    for spec in specs {
        merge_patch::apply(&mut whole, spec.clone());
    }
    whole
}

/// Notes at which byte of the text a value and all that is in it begin.
fn note(text: &str, value: &RawValue, pointer: &str, offsets: &mut Vec<(usize, String)>) {
    // The value is a part of the text, which is how its place is known.
    offsets.push((value.get().as_ptr().addr() - text.as_ptr().addr(), pointer.to_owned()));
    if value.get().starts_with('{') {
        let members: BTreeMap<String, &RawValue> =
            serde_json::from_str(value.get()).unwrap_or_default();
        for (key, member) in members {
            let key = key.replace('~', "~0").replace('/', "~1");
            note(text, member, &format!("{pointer}/{key}"), offsets);
        }
    } else if value.get().starts_with('[') {
        let list: Vec<&RawValue> = serde_json::from_str(value.get()).unwrap_or_default();
        for (index, element) in list.into_iter().enumerate() {
            note(text, element, &format!("{pointer}/{index}"), offsets);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_found_on_the_lines_where_they_begin() {
        let text = "{\"name\": \"x\",\n \"spec\": {\n\n \"a/b\": [1,\n {\"~\": \"ü\", \"c\":\n true}\n],\n\"d\\u0041\": \"\\\"}\\n\"}}";
        let layer =
            Layer { name: "x".into(), file: "x.json".into(), text: text.into(), spec: json!(null) };
        let positions = layer.positions();
        for (pointer, line, column) in [
            ("", 2, 10),
            ("/a~1b", 4, 9),
            ("/a~1b/0", 4, 10),
            ("/a~1b/1", 5, 2),
            ("/a~1b/1/~0", 5, 8),
            ("/a~1b/1/c", 6, 2),
            ("/dA", 8, 12),
        ] {
            assert_eq!(positions.get(pointer), Some(&Position { line, column }), "{pointer}");
        }
        assert_eq!(positions.len(), 7);
    }
}
