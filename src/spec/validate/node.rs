//! Walking through a spec as JSON: a value together with the path that leads to it.
//!
//! Invariant: what is absent, `null`, or of another type than is asked for reads as absent; that a type is
//! wrong is `shape`'s to say.

use serde_json::Value;
use std::fmt;

/// How deep a path is kept; nothing in a runtime spec lies deeper.
const DEPTH: usize = 12;

static ABSENT: Value = Value::Null;

/// One step of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step<'a> {
    /// A member of an object.
    Key(&'a str),
    /// A place in a list.
    Index(usize),
}

/// A value of a spec, or the place where it would be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node<'a> {
    /// The value; `null` where it is absent.
    pub(super) value: &'a Value,
    steps: [Step<'a>; DEPTH],
    depth: usize,
}

impl<'a> Node<'a> {
    /// The whole spec.
    pub(super) fn root(value: &'a Value) -> Self {
        Self { value, steps: [Step::Index(0); DEPTH], depth: 0 }
    }

    fn step(mut self, step: Step<'a>, value: &'a Value) -> Self {
        if let Some(slot) = self.steps.get_mut(self.depth) {
            *slot = step;
            self.depth += 1;
        }
        Self { value, ..self }
    }

    /// A member, be it there or not.
    pub(super) fn get(self, key: &'a str) -> Self {
        let value = self.value.get(key).unwrap_or(&ABSENT);
        self.step(Step::Key(key), value)
    }

    /// The items of a list; none where it is no list.
    pub(super) fn items(self) -> impl Iterator<Item = Self> {
        let list = self.value.as_array().into_iter().flatten();
        list.enumerate().map(move |(index, value)| self.step(Step::Index(index), value))
    }

    /// The members of an object by their keys; none where it is no object.
    pub(super) fn members(self) -> impl Iterator<Item = (&'a str, Self)> {
        let object = self.value.as_object().into_iter().flatten();
        object.map(move |(key, value)| (key.as_str(), self.step(Step::Key(key), value)))
    }

    /// Whether it is there.
    pub(super) fn is_there(self) -> bool {
        !self.value.is_null()
    }

    /// Whether it is a list or an object with something in it.
    pub(super) fn is_filled(self) -> bool {
        match self.value {
            Value::Array(list) => !list.is_empty(),
            Value::Object(object) => !object.is_empty(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        }
    }

    /// The text; nothing where there is none.
    pub(super) fn text(self) -> Option<&'a str> {
        self.value.as_str()
    }

    /// The text that is not empty, which is what most readers take for absent.
    pub(super) fn filled_text(self) -> Option<&'a str> {
        self.text().filter(|text| !text.is_empty())
    }

    /// The whole number.
    pub(super) fn number(self) -> Option<i128> {
        let value = self.value;
        value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from))
    }

    /// The texts of a list.
    pub(super) fn texts(self) -> impl Iterator<Item = &'a str> {
        self.value.as_array().into_iter().flatten().filter_map(Value::as_str)
    }

    /// The path to it.
    pub(super) fn path(&self) -> &[Step<'a>] {
        &self.steps[..self.depth]
    }
}

impl fmt::Display for Node<'_> {
    /// The path with dots, as `linux.sysctl["net.core.somaxconn"]` or `mounts[2].type`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.path().iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key(key) if !is_word(key) => write!(f, "[{key:?}]")?,
                Step::Key(key) if at == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
            }
        }
        Ok(())
    }
}

fn is_word(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_are_written_with_dots() {
        let spec =
            json!({"mounts": [{}, {"options": ["ro"]}], "linux": {"sysctl": {"net.a": "1"}}});
        let root = Node::root(&spec);
        let mount = root.get("mounts").items().nth(1).unwrap();
        assert_eq!(
            mount.get("options").items().next().unwrap().to_string(),
            "mounts[1].options[0]"
        );
        let (key, value) = root.get("linux").get("sysctl").members().next().unwrap();
        assert_eq!((key, value.text()), ("net.a", Some("1")));
        assert_eq!(value.to_string(), "linux.sysctl[\"net.a\"]");
        assert_eq!(root.get("process").get("cwd").to_string(), "process.cwd");
        assert!(!root.get("process").get("cwd").is_there());
    }

    #[test]
    fn what_is_deeper_than_any_spec_still_has_a_place() {
        let mut value = json!({});
        for _ in 0..100 {
            value = json!({ "a": value });
        }
        let mut node = Node::root(&value);
        for _ in 0..100 {
            node = node.get("a");
        }
        assert!(node.is_there());
        assert_eq!(node.path().len(), DEPTH);
    }
}
