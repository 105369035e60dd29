//! Violations: what is wrong with a request, field by field.
//!
//! A request is checked to its end, so that a caller hears everything at once.

use crate::domain::limits::VIOLATIONS;
use std::fmt;

/// One broken rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The path of the field, for example `options.process.env[2]`.
    pub field: String,
    /// What is wrong with it and what would be right.
    pub description: String,
    /// The rule on finished specs that it breaks, where it is one of those.
    pub rule: Option<&'static str>,
}

impl Violation {
    /// A violation of one field.
    pub fn new(field: impl Into<String>, description: impl fmt::Display) -> Self {
        Self { field: field.into(), description: description.to_string(), rule: None }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.description)
    }
}

/// The broken rules of a request: the first [`VIOLATIONS`] of them, and the number of the rest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Violations {
    first: Vec<Violation>,
    rest: usize,
}

impl Violations {
    /// Notes one more.
    pub fn push(&mut self, field: impl Into<String>, description: impl fmt::Display) {
        if self.has_room() {
            self.first.push(Violation::new(field, description));
        }
    }

    /// Notes one that breaks a rule on finished specs.
    pub fn push_broken(&mut self, rule: &'static str, field: String, description: String) {
        if self.has_room() {
            self.first.push(Violation { field, description, rule: Some(rule) });
        }
    }

    /// Whether one more is kept; it is counted otherwise.
    fn has_room(&mut self) -> bool {
        let has_room = self.first.len() < VIOLATIONS;
        self.rest += usize::from(!has_room);
        has_room
    }

    /// The value of a result, or nothing and a violation that says why.
    pub fn keep<T, E: fmt::Display>(&mut self, field: &str, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.push(field, error)).ok()
    }

    /// Notes those that were found elsewhere.
    pub fn extend(&mut self, others: Self) {
        for violation in others.first {
            if self.has_room() {
                self.first.push(violation);
            }
        }
        self.rest += others.rest;
    }

    /// Whether the request is in order.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.first.is_empty()
    }

    /// How many there are, including those that were only counted.
    #[must_use]
    pub fn count(&self) -> usize {
        self.first.len() + self.rest
    }

    /// The first violations in the order in which they were found.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Violation> {
        self.first.iter()
    }
}

impl From<Violation> for Violations {
    fn from(violation: Violation) -> Self {
        Self { first: vec![violation], rest: 0 }
    }
}

impl fmt::Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, violation) in self.first.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            violation.fmt(f)?;
        }
        if self.rest > 0 {
            write!(f, "; and {} more", self.rest)?;
        }
        Ok(())
    }
}

impl std::error::Error for Violations {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_are_kept_and_the_rest_is_counted() {
        let mut wrong = Violations::default();
        for index in 0..VIOLATIONS + 5 {
            wrong.push(format!("f[{index}]"), "is wrong");
        }
        let mut all = Violations::from(Violation::new("g", "is wrong"));
        all.extend(wrong);
        assert_eq!((all.iter().len(), all.count()), (VIOLATIONS, VIOLATIONS + 6));
        assert!(all.to_string().ends_with("f[98]: is wrong; and 6 more"), "{all}");
    }
}
