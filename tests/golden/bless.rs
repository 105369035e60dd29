//! `want.json` as `BLESS=1` writes it: the shortest changes that give an answer, a line each.

use crate::support::golden::changes::{self, Change};
use proptest::prelude::*;
use proptest::{collection, sample};
use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter};
use serde_json::{Map, Value, json};
use std::io::{Result, Write};

/// How long a line may be.
const COLUMNS: usize = 140;

/// The file of a case that is compared with a profile's own case.
pub(crate) fn text(profile: &str, base: &Value, answer: &Value) -> String {
    let mut want = json!({"profile": profile, "changes": between(&base["spec"], &answer["spec"])});
    for name in ["container", "image"] {
        if !same(&base[name], &answer[name]) {
            want[name] = answer[name].clone();
        }
    }
    want["warnings"] = answer["warnings"].clone();
    let fields = want.as_object().unwrap().iter().map(|(name, value)| {
        let list = value.as_array().filter(|list| !list.is_empty());
        match list {
            Some(list) => format!("  \"{name}\": {}", entries(list, "  ")),
            None => field(name, value, "  "),
        }
    });
    format!("{{\n{}\n}}\n", fields.collect::<Vec<_>>().join(",\n"))
}

/// The changes that turn one answer into another, for a person to read.
pub(crate) fn difference(from: &Value, to: &Value) -> String {
    lines(&json!(between(from, to)), "", COLUMNS)
}

/// A field on one line where it fits.
fn field(name: &str, value: &Value, indent: &str) -> String {
    let name = format!("{indent}{}: ", Value::from(name));
    let value = lines(value, indent, name.len());
    name + &value
}

/// A list with a line for each entry.
fn entries(list: &[Value], indent: &str) -> String {
    let inner = format!("{indent}  ");
    let entries = list.iter().map(|entry| format!("{inner}{}", lines(entry, &inner, inner.len())));
    format!("[\n{}\n{indent}]", entries.collect::<Vec<_>>().join(",\n"))
}

/// A value on one line where it fits behind what stands there already, else its parts each on one.
fn lines(value: &Value, indent: &str, already: usize) -> String {
    let line = one_line(value);
    if already + line.len() < COLUMNS {
        return line;
    }
    if let Value::Array(list) = value {
        return entries(list, indent);
    }
    let Value::Object(object) = value else { return line };
    let fields = object.iter().map(|(key, value)| field(key, value, &format!("{indent}  ")));
    format!("{{\n{}\n{indent}}}", fields.collect::<Vec<_>>().join(",\n"))
}

fn one_line(value: &impl Serialize) -> String {
    let mut bytes = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, OneLine);
    value.serialize(&mut serializer).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// Compact JSON with a space behind each comma and colon.
struct OneLine;

impl Formatter for OneLine {
    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> Result<()> {
        writer.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> Result<()> {
        writer.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> Result<()> {
        CompactFormatter.begin_object_value(writer)?;
        writer.write_all(b" ")
    }
}

/// Whether two values are the same text: the order of fields counts, which it does not for `==`.
pub(crate) fn same(one: &Value, other: &Value) -> bool {
    let (one, other) = (one.to_string(), other.to_string());
    one == other
}

/// The changes that turn one value into another.
fn between(from: &Value, to: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    compare(from, to, "", &mut changes);
    changes
}

/// Puts the changes of one place into the list: those of its parts, or a new value where that is shorter.
fn compare(from: &Value, to: &Value, path: &str, into: &mut Vec<Change>) {
    if same(from, to) {
        return;
    }
    let mut parts = Vec::new();
    let fits = match (from, to) {
        (Value::Object(from), Value::Object(to)) => compare_objects(from, to, path, &mut parts),
        (Value::Array(from), Value::Array(to)) => {
            compare_lists(from, to, path, &mut parts);
            true
        }
        _ => false,
    };
    let whole = vec![Change::Replace { path: path.to_owned(), value: to.clone() }];
    let length = |changes: &[Change]| changes.iter().map(|c| one_line(c).len()).sum::<usize>();
    into.append(&mut if fits && length(&parts) <= length(&whole) { parts } else { whole });
}

/// Whether the fields that both have stand in the same order, without which only a new object will do.
fn compare_objects(
    from: &Map<String, Value>,
    to: &Map<String, Value>,
    path: &str,
    into: &mut Vec<Change>,
) -> bool {
    let at = |key: &str| format!("{path}/{}", key.replace('~', "~0").replace('/', "~1"));
    for key in from.keys().filter(|key| !to.contains_key(*key)) {
        into.push(Change::Remove { path: at(key), was: Value::Null });
    }
    for (index, (key, value)) in to.iter().enumerate() {
        match from.get(key) {
            Some(old) => compare(old, value, &at(key), into),
            None => {
                let before = to.keys().skip(index).find(|key| from.contains_key(*key)).cloned();
                into.push(Change::Add { path: at(key), value: value.clone(), before });
            }
        }
    }
    let common = from.keys().filter(|key| to.contains_key(*key));
    common.eq(to.keys().filter(|key| from.contains_key(*key)))
}

/// Entries that both have stay; between them entries become others, and what is left over is removed or added.
fn compare_lists(from: &[Value], to: &[Value], path: &str, into: &mut Vec<Change>) {
    let (mut i, mut j, mut at) = (0, 0, 0);
    for (next_i, next_j) in common(from, to).into_iter().chain([(from.len(), to.len())]) {
        let (old, new) = (&from[i..next_i], &to[j..next_j]);
        let pairs = old.len().min(new.len());
        for (old, new) in old.iter().zip(new) {
            let path = format!("{path}/{at}");
            if identity(old) == identity(new) {
                compare(old, new, &path, into);
            } else {
                into.push(Change::Replace { path, value: new.clone() });
            }
            at += 1;
        }
        for old in &old[pairs..] {
            into.push(Change::Remove { path: format!("{path}/{at}"), was: old.clone() });
        }
        for new in &new[pairs..] {
            let path = format!("{path}/{at}");
            into.push(Change::Add { path, value: new.clone(), before: None });
            at += 1;
        }
        (i, j, at) = (next_i + 1, next_j + 1, at + 1);
    }
}

/// What tells an entry of a list from the others: its first field, for example a mount's destination.
fn identity(entry: &Value) -> Option<&Value> {
    entry.as_object()?.values().next()
}

/// The indices of the longest list of entries that both have, in their order.
fn common(from: &[Value], to: &[Value]) -> Vec<(usize, usize)> {
    let mut longest = vec![vec![0; to.len() + 1]; from.len() + 1];
    for i in (0..from.len()).rev() {
        for j in (0..to.len()).rev() {
            longest[i][j] = if same(&from[i], &to[j]) {
                longest[i + 1][j + 1] + 1
            } else {
                longest[i + 1][j].max(longest[i][j + 1])
            };
        }
    }
    let (mut i, mut j, mut found) = (0, 0, Vec::new());
    while i < from.len() && j < to.len() {
        if same(&from[i], &to[j]) {
            found.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if longest[i + 1][j] >= longest[i][j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    found
}

/// Any small value. Few names and few values, so that two of them have much in common.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![Just(json!(1)), Just(json!("x")), Just(json!(null)), Just(json!(true))];
    leaf.prop_recursive(4, 24, 5, |inner| {
        let field = (sample::select(vec!["a", "b", "c/d", "e~f"]), inner.clone());
        prop_oneof![
            collection::vec(inner, 0..5).prop_map(Value::from),
            collection::vec(field, 0..5).prop_map(|fields| {
                let fields = fields.into_iter().map(|(key, value)| (key.to_owned(), value));
                Value::Object(fields.collect())
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn changes_give_the_other_value_in_its_order(from in any_value(), to in any_value()) {
        let (from, to) = (json!({"spec": from}), json!({"spec": to, "warnings": []}));
        let want: Value = serde_json::from_str(&text("p", &from, &to)).unwrap();
        let mut value = from["spec"].clone();
        changes::apply(&mut value, serde_json::from_value(want["changes"].clone()).unwrap()).unwrap();
        prop_assert_eq!(value.to_string(), to["spec"].to_string());
    }
}

#[test]
fn an_added_field_stands_where_it_is_said_to() {
    let long = "x".repeat(200);
    let from = json!({"spec": {"a": 1, "c": long, "list": [1, 2, long]}});
    let to =
        json!({"spec": {"a": 1, "b": 2, "c": long, "list": [1, long], "z": 4}, "warnings": ["w"]});
    let want = text("p", &from, &to);
    assert_eq!(
        want,
        r#"{
  "profile": "p",
  "changes": [
    {"op": "add", "path": "/b", "value": 2, "before": "c"},
    {"op": "remove", "path": "/list/1", "was": 2},
    {"op": "add", "path": "/z", "value": 4}
  ],
  "warnings": [
    "w"
  ]
}
"#
    );
    let apply = |changes: Value| {
        let mut value = from["spec"].clone();
        changes::apply(&mut value, serde_json::from_value(changes).unwrap())
            .map(|()| value.to_string())
    };
    let other_place = json!([{"op": "add", "path": "/b", "value": 2, "before": "list"}]);
    assert_eq!(
        apply(other_place).unwrap(),
        json!({"a": 1, "c": long, "b": 2, "list": [1, 2, long]}).to_string()
    );
    for wrong in [
        json!({"op": "add", "path": "/b", "value": 2, "before": "x"}),
        json!({"op": "add", "path": "/a", "value": 2}),
        json!({"op": "replace", "path": "/x", "value": 2}),
        json!({"op": "remove", "path": "/x"}),
        json!({"op": "remove", "path": "/list/1", "was": 3}),
    ] {
        apply(json!([wrong])).unwrap_err();
    }
}
