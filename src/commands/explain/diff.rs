//! How two specs differ, and why.

use crate::api::pb::specd as pb;
use crate::commands::Failure;
use crate::commands::explain::{json as wire, table};
use crate::spec::differences;
use serde_json::{Value, json};
use std::collections::HashMap;
use table::Line;

/// One of two specs.
pub(super) struct Side<'a> {
    name: &'a str,
    spec: Value,
    /// The leaves that are there, by their paths.
    there: HashMap<&'a str, &'a pb::ExplainedField>,
    gone: Vec<&'a pb::ExplainedField>,
}

impl<'a> Side<'a> {
    /// An answer, by what a person calls its request.
    pub(super) fn new(name: &'a str, answer: &'a pb::ExplainResponse) -> Result<Self, Failure> {
        let spec = answer.generated.as_ref().and_then(|generated| generated.spec.as_ref());
        let spec = spec.ok_or_else(|| Failure::run("the answer has no spec"))?;
        let there = answer.fields.iter().filter(|field| !field.removed);
        Ok(Self {
            name,
            spec: serde_json::from_slice(&spec.value).map_err(Failure::run)?,
            there: there.map(|field| (field.path.as_str(), field)).collect(),
            gone: answer.fields.iter().filter(|field| field.removed).collect(),
        })
    }

    /// The leaf at a path; or, where the other has one that was taken away here, that it was.
    fn field(
        &self,
        path: Option<&String>,
        other: Option<&'a pb::ExplainedField>,
    ) -> Option<&'a pb::ExplainedField> {
        if let Some(path) = path {
            return self.there.get(path.as_str()).copied();
        }
        let other = other?;
        let is_it = |field: &&pb::ExplainedField| {
            field.path == other.path
                && field.replaced.iter().any(|setting| setting.value == other.value)
        };
        self.gone.iter().copied().find(is_it)
    }
}

/// The leaves that differ.
fn pairs<'a>(
    a: &Side<'a>,
    b: &Side<'a>,
) -> Vec<(Option<&'a pb::ExplainedField>, Option<&'a pb::ExplainedField>)> {
    let pair = |(in_a, in_b): &(Option<String>, Option<String>)| {
        let there = |side: &Side<'a>, path: &Option<String>| {
            path.as_ref().and_then(|path| side.there.get(path.as_str()).copied())
        };
        let (of_a, of_b) = (there(a, in_a), there(b, in_b));
        (a.field(in_a.as_ref(), of_b), b.field(in_b.as_ref(), of_a))
    };
    differences(&a.spec, &b.spec).iter().map(pair).collect()
}

/// For people: each leaf that differs, with both values and where they are from.
pub(super) fn text(a: &Side<'_>, b: &Side<'_>, width: Option<usize>) -> String {
    let pairs = pairs(a, b);
    let blocks: Vec<(String, [Line; 2])> = pairs
        .iter()
        .map(|(in_a, in_b)| {
            let path = in_b.or(*in_a).map(|field| table::plain(&field.path)).unwrap_or_default();
            (path, [line("A", *in_a), line("B", *in_b)])
        })
        .collect();
    let columns = table::Columns::of(blocks.iter().flat_map(|(_, lines)| lines), width);
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
pub(super) fn json(a: &Side<'_>, b: &Side<'_>) -> Value {
    let pairs = pairs(a, b).into_iter();
    let differences =
        pairs.map(|(in_a, in_b)| json!({"a": in_a.map(wire::field), "b": in_b.map(wire::field)}));
    json!({"a": a.name, "b": b.name, "differences": differences.collect::<Vec<_>>()})
}
