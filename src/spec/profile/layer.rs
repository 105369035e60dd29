//! The layers of a profile: the files that it is made of, and where in them what stands.

use crate::spec::merge_patch;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashMap};

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
    /// The lines, from 1, on which the values of the spec begin, by their pointers.
    #[must_use]
    pub fn lines(&self) -> HashMap<String, usize> {
        let mut offsets = Vec::new();
        let whole: Option<BTreeMap<String, &RawValue>> = serde_json::from_str(&self.text).ok();
        if let Some(spec) = whole.and_then(|file| file.get("spec").copied()) {
            note(&self.text, spec, "", &mut offsets);
        }
        offsets.sort_unstable();
        let mut lines = HashMap::new();
        let (mut line, mut read) = (1, 0);
        for (offset, pointer) in offsets {
            let between = self.text.as_bytes().get(read..offset).unwrap_or_default();
            line += between.iter().filter(|byte| **byte == b'\n').count();
            read = offset;
            lines.insert(pointer, line);
        }
        lines
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
        let lines = layer.lines();
        for (pointer, line) in [
            ("", 2),
            ("/a~1b", 4),
            ("/a~1b/0", 4),
            ("/a~1b/1", 5),
            ("/a~1b/1/~0", 5),
            ("/a~1b/1/c", 6),
            ("/dA", 8),
        ] {
            assert_eq!(lines.get(pointer), Some(&line), "{pointer}");
        }
        assert_eq!(lines.len(), 7);
    }
}
