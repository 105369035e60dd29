//! How two specs differ, and why.

use crate::api::pb::specd as pb;
use crate::commands::explain::table;
use crate::commands::{Failure, messages};
use crate::spec::differences;
use serde_json::{Value, json};
use std::collections::HashMap;
use table::Line;

/// One of two specs.
pub(super) struct Side<'a> {
    name: &'a str,
    spec: Value,
    /// The leaves of the spec, by their paths.
    present: HashMap<&'a str, &'a pb::ExplainedField>,
    removed: Vec<&'a pb::ExplainedField>,
}

impl<'a> Side<'a> {
    /// An answer, and the name of its request for people.
    pub(super) fn new(name: &'a str, answer: &'a pb::ExplainResponse) -> Result<Self, Failure> {
        let spec = answer.generated.as_ref().map_or("", |generated| &generated.spec_json);
        let (removed, present): (Vec<_>, Vec<_>) =
            answer.fields.iter().partition(|field| field.removed);
        Ok(Self {
            name,
            spec: serde_json::from_str(spec).map_err(Failure::run)?,
            present: present.into_iter().map(|field| (field.path.as_str(), field)).collect(),
            removed,
        })
    }

    /// The name for people.
    pub(super) fn name(&self) -> &'a str {
        self.name
    }

    /// The leaf at a path; without one, the field of the other side as it was removed on this side.
    fn field(
        &self,
        path: Option<&String>,
        other: Option<&'a pb::ExplainedField>,
    ) -> Option<&'a pb::ExplainedField> {
        if let Some(path) = path {
            return self.present.get(path.as_str()).copied();
        }
        let other = other?;
        let is_it = |field: &&pb::ExplainedField| {
            field.path == other.path
                && field.replaced.iter().any(|setting| setting.value == other.value)
        };
        self.removed.iter().copied().find(is_it)
    }
}

/// The leaves that differ.
pub(super) fn pairs<'a>(
    a: &Side<'a>,
    b: &Side<'a>,
) -> Vec<(Option<&'a pb::ExplainedField>, Option<&'a pb::ExplainedField>)> {
    let pair = |(in_a, in_b): &(Option<String>, Option<String>)| {
        let leaf = |side: &Side<'a>, path: &Option<String>| {
            path.as_ref().and_then(|path| side.present.get(path.as_str()).copied())
        };
        let (of_a, of_b) = (leaf(a, in_a), leaf(b, in_b));
        (a.field(in_a.as_ref(), of_b), b.field(in_b.as_ref(), of_a))
    };
    differences(&a.spec, &b.spec).iter().map(pair).collect()
}

/// For people: each leaf that differs, with the values of both sides and their origins.
pub(super) fn text(a: &Side<'_>, b: &Side<'_>, width: Option<usize>) -> String {
    let pairs = pairs(a, b);
    let blocks: Vec<(String, [Line; 2])> = pairs
        .iter()
        .map(|(in_a, in_b)| {
            let path = in_b.or(*in_a).map(|field| table::plain(&field.path)).unwrap_or_default();
            (path, [line("A", *in_a), line("B", *in_b)])
        })
        .collect();
    let columns = table::Columns::fit(blocks.iter().flat_map(|(_, lines)| lines), width);
    let mut text =
        vec![format!("A: {}", table::plain(a.name)), format!("B: {}", table::plain(b.name))];
    if blocks.is_empty() {
        text.push("no field differs".to_owned());
    }
    for (path, lines) in blocks {
        text.push(path);
        text.extend(lines.iter().map(|line| columns.line(line)));
    }
    text.join("\n")
}

fn line(side: &str, field: Option<&pb::ExplainedField>) -> Line {
    Line {
        head: format!("  {side}"),
        value: table::value(field.map_or("", |field| &field.value)),
        origin: field.map(|field| table::origin(field.origin.as_ref())).unwrap_or_default(),
    }
}

/// The same as JSON: the fields of both sides; `null` where a side has none.
pub(super) fn json(a: &Side<'_>, b: &Side<'_>) -> Result<Value, Failure> {
    let field = |field: Option<&pb::ExplainedField>| {
        field.map(|field| messages::print("ExplainedField", field)).transpose()
    };
    let mut differences = Vec::new();
    for (in_a, in_b) in pairs(a, b) {
        differences.push(json!({ "a": field(in_a)?, "b": field(in_b)? }));
    }
    Ok(json!({ "a": a.name, "b": b.name, "differences": differences }))
}
