//! Reading JSON that a person wrote: each value with the path at which it stands.
//!
//! serde says what is wrong and not where, and stops at the first thing. Here everything wrong is found in
//! one pass. As in Go, `null` is the same as a field that is not there.

use crate::domain::violation::Violations;
use serde_json::{Map, Value};

/// A value and its path, which is empty for the outermost one.
#[derive(Debug, Clone)]
pub(super) struct Field<'v> {
    value: &'v Value,
    path: String,
}

/// An object and its path.
#[derive(Debug, Clone)]
pub(super) struct Object<'v> {
    map: &'v Map<String, Value>,
    path: String,
}

impl<'v> Field<'v> {
    pub(super) fn outermost(value: &'v Value) -> Self {
        Self { value, path: String::new() }
    }

    pub(super) fn wrong(&self, wrong: &mut Violations, description: impl std::fmt::Display) {
        wrong.push(self.path.clone(), description);
    }

    /// The object that this must be, whatever its fields.
    pub(super) fn any_object(&self, wrong: &mut Violations) -> Option<Object<'v>> {
        let map = self.value.as_object();
        if map.is_none() {
            self.wrong(wrong, format_args!("must be an object, not {}", kind(self.value)));
        }
        Some(Object { map: map?, path: self.path.clone() })
    }

    /// The object that this must be, with no fields but the known ones.
    pub(super) fn object(&self, known: &[&str], wrong: &mut Violations) -> Option<Object<'v>> {
        let object = self.any_object(wrong)?;
        for key in object.map.keys().filter(|key| !known.contains(&key.as_str())) {
            let known = known.join(", ");
            wrong.push(object.path_of(key), format_args!("is not known, known are {known}"));
        }
        Some(object)
    }

    /// The entries of the list that this must be.
    pub(super) fn list(&self, wrong: &mut Violations) -> Vec<Self> {
        let Some(list) = self.value.as_array() else {
            self.wrong(wrong, format_args!("must be a list, not {}", kind(self.value)));
            return Vec::new();
        };
        let entry = |(index, value)| Self { value, path: format!("{}[{index}]", self.path) };
        list.iter().enumerate().map(entry).collect()
    }

    /// The text that this must be: not empty, and without a NUL, at which C ends it.
    pub(super) fn text(&self, wrong: &mut Violations) -> Option<&'v str> {
        match self.value.as_str() {
            Some("") => self.wrong(wrong, "must not be empty"),
            Some(text) if text.contains('\0') => self.wrong(wrong, "must not contain a NUL"),
            Some(text) => return Some(text),
            None => {
                self.wrong(wrong, format_args!("must be a string, not {}", kind(self.value)));
            }
        }
        None
    }

    /// The text that this must be: one of some words.
    pub(super) fn word(&self, words: &[&str], wrong: &mut Violations) -> Option<&'v str> {
        let text = self.text(wrong)?;
        if words.contains(&text) {
            return Some(text);
        }
        self.wrong(wrong, format_args!("must be one of {}", words.join(", ")));
        None
    }

    /// A whole number up to a bound.
    pub(super) fn number(&self, most: u64, wrong: &mut Violations) -> Option<u64> {
        let number = self.value.as_u64().filter(|number| *number <= most);
        if number.is_none() {
            self.wrong(wrong, format_args!("must be a whole number from 0 to {most}"));
        }
        number
    }
}

impl<'v> Object<'v> {
    fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// A field that may be absent.
    pub(super) fn get(&self, name: &str) -> Option<Field<'v>> {
        let value = self.map.get(name).filter(|value| !value.is_null())?;
        Some(Field { value, path: self.path_of(name) })
    }

    /// A field that must be there.
    pub(super) fn need(&self, name: &str, wrong: &mut Violations) -> Option<Field<'v>> {
        let field = self.get(name);
        if field.is_none() {
            wrong.push(self.path_of(name), "is missing");
        }
        field
    }

    /// The entries of a list that may be absent.
    pub(super) fn list(&self, name: &str, wrong: &mut Violations) -> Vec<Field<'v>> {
        self.get(name).map(|field| field.list(wrong)).unwrap_or_default()
    }

    /// The words of a list that may be absent.
    pub(super) fn words(&self, name: &str, words: &[&str], wrong: &mut Violations) -> Vec<String> {
        let list = self.list(name, wrong);
        list.iter().filter_map(|field| field.word(words, wrong)).map(str::to_owned).collect()
    }

    /// A text that may be absent, or empty for the same.
    pub(super) fn text(&self, name: &str, wrong: &mut Violations) -> Option<&'v str> {
        let field = self.get(name).filter(|field| field.value.as_str() != Some(""))?;
        field.text(wrong)
    }

    /// Every field, in the order in which it stands.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&'v str, Field<'v>)> {
        let field = |(name, value): (&'v String, _)| {
            (name.as_str(), Field { value, path: self.path_of(name) })
        };
        self.map.iter().map(field)
    }

    /// Notes what is wrong with a field, whether it is present or not.
    pub(super) fn wrong(&self, field: &str, wrong: &mut Violations, what: impl std::fmt::Display) {
        wrong.push(self.path_of(field), what);
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
