//! One leaf of a spec and its past.

use crate::domain::env::Entry;
use crate::domain::origin::{Origin, Setting};
use crate::spec::provenance::Attribution;
use serde_json::Value;

/// A value that is neither an object nor a list, or an empty one; or a removed one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Leaf {
    /// The value; nothing where it was removed.
    pub(super) value: Option<Value>,
    /// Who set it, or took it away.
    pub(super) by: Origin,
    /// What it was before, the oldest first.
    pub(super) before: Vec<Setting>,
}

impl Leaf {
    /// A value that was nothing before.
    pub(crate) fn new(value: impl Into<Value>, by: Origin) -> Self {
        Self { value: Some(value.into()), by, before: Vec::new() }
    }

    /// Sets or removes the value.
    pub(super) fn set(&mut self, value: Option<&Value>, attribution: &Attribution) {
        let same = self.value.as_ref() == value;
        let again = matches!(attribution, Attribution::Set(origin) if *origin != self.by && value.is_some());
        if !same || again {
            self.past(attribution.origin().clone());
            self.value = value.cloned();
        }
    }

    /// What it is now.
    pub(super) fn now(&self) -> Setting {
        Setting { value: self.value.as_ref().map(ToString::to_string), by: self.by.clone() }
    }

    /// Makes what it is now the past.
    fn past(&mut self, by: Origin) {
        let now = self.now();
        self.before.push(now);
        self.by = by;
    }
}

/// An entry of an environment that knows where it comes from.
impl Entry for Leaf {
    fn text(&self) -> &str {
        self.value.as_ref().and_then(Value::as_str).unwrap_or_default()
    }

    fn replace(&mut self, by: &Self) {
        self.past(by.by.clone());
        self.before.extend(by.before.iter().cloned());
        self.value.clone_from(&by.value);
    }

    fn unset(&mut self, by: &Self) {
        self.past(by.by.clone());
        self.value = None;
    }

    /// An unset variable is kept as a removed one.
    fn stays(&self) -> bool {
        true
    }
}
