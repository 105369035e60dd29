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
pub(crate) use blame::check_part;
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    /// A spec that keeps every rule, with something of each section.
    fn spec() -> Value {
        json!({
            "ociVersion": "1.2.0",
            "process": {
                "user": {"uid": 0, "gid": 0, "additionalGids": [1, 2]},
                "args": ["sh"], "env": ["PATH=/bin"], "cwd": "/",
                "capabilities": {"bounding": ["CAP_CHOWN"], "permitted": ["CAP_CHOWN"]},
                "rlimits": [{"type": "RLIMIT_CORE", "hard": 2, "soft": 1}],
                "scheduler": {"policy": "SCHED_FIFO", "priority": 1},
                "ioPriority": {"class": "IOPRIO_CLASS_BE", "priority": 7},
            },
            "root": {"path": "rootfs"},
            "hostname": "h",
            "mounts": [
                {"destination": "/proc", "type": "proc", "source": "proc"},
                {"destination": "/a", "source": "/b", "options": ["rbind", "ro"]},
            ],
            "hooks": {"prestart": [{"path": "/bin/true", "timeout": 1}]},
            "linux": {
                "namespaces": [{"type": "mount"}, {"type": "uts"}, {"type": "user"}, {"type": "time"}],
                "uidMappings": [{"containerID": 0, "hostID": 1000, "size": 10}],
                "gidMappings": [{"containerID": 0, "hostID": 1000, "size": 10}],
                "timeOffsets": {"monotonic": {"secs": -1, "nanosecs": 5}},
                "sysctl": {"kernel.domainname": "d"},
                "devices": [{"path": "/dev/x", "type": "c", "major": 1, "minor": 3}],
                "resources": {
                    "memory": {"limit": 10, "swap": 20},
                    "cpu": {"quota": 5000, "period": 10000, "burst": 1000, "cpus": "0-1"},
                    "devices": [{"allow": true, "type": "c", "access": "rwm"}],
                    "unified": {"memory.high": "1"},
                },
                "seccomp": {
                    "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1,
                    "syscalls": [{
                        "names": ["read"], "action": "SCMP_ACT_ALLOW",
                        "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}],
                    }],
                },
            },
        })
    }

    /// Every place of a value, as a JSON pointer.
    fn pointers(value: &Value, at: &str, all: &mut Vec<String>) {
        all.push(at.to_owned());
        match value {
            Value::Array(list) => {
                for (index, inner) in list.iter().enumerate() {
                    pointers(inner, &format!("{at}/{index}"), all);
                }
            }
            Value::Object(object) => {
                for (key, inner) in object {
                    pointers(inner, &format!("{at}/{key}"), all);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    #[test]
    fn a_whole_spec_keeps_every_rule() {
        let broken: Vec<String> = broken(&spec()).iter().map(ToString::to_string).collect();
        assert!(broken.is_empty(), "{broken:?}");
    }

    #[test]
    fn names_are_words_and_are_there_once() {
        for (index, rule) in RULES.iter().enumerate() {
            let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            assert!(rule.name.bytes().all(word), "{}", rule.name);
            assert!(rule.sentence.ends_with('.') && !rule.source.is_empty(), "{}", rule.name);
            assert!(RULES[..index].iter().all(|other| other.name != rule.name), "{}", rule.name);
        }
    }

    proptest! {
        /// Whatever stands at a place, the rules have an answer, and the place of another type is told.
        #[test]
        fn any_value_anywhere_is_judged(at: prop::sample::Index, kind in 0..7, number: u64) {
            let mut spec = spec();
            let mut all = Vec::new();
            pointers(&spec, "", &mut all);
            let pointer = at.get(&all);
            let value = match kind {
                0 => Value::Null,
                1 => json!(true),
                2 => json!(number),
                3 => json!(-1.5),
                4 => json!("\0/é"),
                5 => json!([[{"type": "user"}], null, 1]),
                _ => json!({"type": {"path": []}, "": null}),
            };
            *spec.pointer_mut(pointer).unwrap() = value;
            let broken = broken(&spec);
            if kind == 3 {
                prop_assert!(broken.iter().any(|one| one.rule.name == "field-type"), "{pointer}");
            }
        }
    }
}
