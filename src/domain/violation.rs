//! Violations: what is wrong with a request, field by field.
//!
//! A request is checked to its end, so that a caller hears everything at once.

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

/// Every broken rule of a request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Violations(Vec<Violation>);

impl Violations {
    /// Notes one more.
    pub fn push(&mut self, field: impl Into<String>, description: impl fmt::Display) {
        self.0.push(Violation::new(field, description));
    }

    /// Notes one that breaks a rule on finished specs.
    pub fn push_broken(&mut self, rule: &'static str, field: String, description: String) {
        self.0.push(Violation { field, description, rule: Some(rule) });
    }

    /// The value of a result, or nothing and a violation that says why.
    pub fn keep<T, E: fmt::Display>(&mut self, field: &str, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.push(field, error)).ok()
    }

    /// Notes those that were found elsewhere.
    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// Whether the request is in order.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The violations in the order in which they were found.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Violation> {
        self.0.iter()
    }
}

impl From<Violation> for Violations {
    fn from(violation: Violation) -> Self {
        Self(vec![violation])
    }
}

impl fmt::Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, violation) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            violation.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Violations {}
