//! Rules on a finished spec: what would fail in the runtime fails here, all at once and with its place.
//!
//! A spec is judged as JSON, after everything that changes it, so that the rules hold for any spec, and for
//! one with fields that no type here knows. What depends on the machine (which namespaces exist, how much
//! memory there is) is the runtime's to say.
//!
//! Invariant: a rule that refuses is one by which a runtime fails for certain, or says in its source why it
//! refuses all the same.

mod blame;
mod capabilities;
mod cpu_list;
mod devices;
mod fields;
mod hooks;
mod limits;
mod mounts;
mod namespaces;
mod node;
mod other;
mod process;
mod resources;
mod rules;
mod scheduling;
mod seccomp;
mod setters;
mod shape;
mod sysctl;
mod user;
mod user_namespace;

pub use blame::check;
pub use rules::RULES;

use node::{Node, Step};
use serde_json::Value;
use std::fmt;

/// A rule on finished specs.
#[derive(Debug)]
pub struct Rule {
    /// The name, which does not change.
    pub name: &'static str,
    /// What holds, in a sentence.
    pub sentence: &'static str,
    /// Who refuses what breaks it, and where that is written.
    pub source: &'static str,
    /// Whether what breaks it is refused, or only told.
    pub refuses: bool,
    check: fn(Node<'_>, &mut Found),
}

/// A broken rule.
#[derive(Debug, Clone)]
pub struct Broken {
    /// The rule.
    pub rule: &'static Rule,
    /// The path in the spec, with dots, as `linux.sysctl["net.core.somaxconn"]`; empty for the whole.
    pub path: String,
    /// What is wrong there and what would be right.
    pub description: String,
    place: Place,
    against: Option<Place>,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, description) = (&self.path, &self.description);
        if path.is_empty() { f.write_str(description) } else { write!(f, "{path}: {description}") }
    }
}

/// A path that is kept.
type Place = Vec<PlaceStep>;

#[derive(Debug, Clone, PartialEq, Eq)]
enum PlaceStep {
    Key(String),
    Index(usize),
}

/// What a rule finds.
#[derive(Debug)]
struct Found {
    rule: &'static Rule,
    broken: Vec<Broken>,
}

impl Found {
    /// Notes what is wrong at a place.
    fn add(&mut self, at: Node<'_>, description: impl fmt::Display) {
        self.broken.push(Broken {
            rule: self.rule,
            path: at.to_string(),
            description: description.to_string(),
            place: place(at),
            against: None,
        });
    }

    /// Notes that a place contradicts another.
    fn against(&mut self, at: Node<'_>, other: Node<'_>, description: impl fmt::Display) {
        self.add(at, description);
        if let Some(last) = self.broken.last_mut() {
            last.against = Some(place(other));
        }
    }
}

fn place(node: Node<'_>) -> Place {
    let own = |step: &Step<'_>| match step {
        Step::Key(key) => PlaceStep::Key((*key).to_owned()),
        Step::Index(index) => PlaceStep::Index(*index),
    };
    node.path().iter().map(own).collect()
}

/// Every rule that a spec breaks, in the order of the rules.
#[must_use]
pub fn broken(spec: &Value) -> Vec<Broken> {
    let mut all = Vec::new();
    for rule in &RULES {
        let mut found = Found { rule, broken: Vec::new() };
        (rule.check)(Node::root(spec), &mut found);
        all.append(&mut found.broken);
    }
    all
}
