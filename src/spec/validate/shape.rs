//! What each field holds: the types of the runtime spec, and the fields that an object cannot do without.

use super::Found;
use super::fields::SPEC;
use super::node::Node;
use Kind::{Bool, I32, I64, List, Map, Object, Text, U16, U32, U64};
use serde_json::Value;

/// What a field holds.
#[derive(Debug)]
pub(super) enum Kind {
    /// A string.
    Text,
    /// True or false.
    Bool,
    /// A signed number of 32 bits.
    I32,
    /// A signed number of 64 bits.
    I64,
    /// A number of 16 bits.
    U16,
    /// A number of 32 bits.
    U32,
    /// A number of 64 bits.
    U64,
    /// A list of one kind.
    List(&'static Kind),
    /// An object whose keys are data.
    Map(&'static Kind),
    /// An object with fields.
    Object(&'static [Field]),
}

/// A field of an object.
#[derive(Debug)]
pub(super) struct Field {
    name: &'static str,
    kind: Kind,
    required: bool,
}

/// A field that may be absent.
pub(super) const fn may(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, required: false }
}

/// A field without which the object says nothing.
pub(super) const fn must(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, required: true }
}

impl Kind {
    fn holds(&self, value: &Value) -> bool {
        let number = value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from));
        let within = |least: i128, most: i128| number.is_some_and(|n| (least..=most).contains(&n));
        match self {
            Text => value.is_string(),
            Bool => value.is_boolean(),
            I32 => within(i32::MIN.into(), i32::MAX.into()),
            I64 => within(i64::MIN.into(), i64::MAX.into()),
            U16 => within(0, u16::MAX.into()),
            U32 => within(0, u32::MAX.into()),
            U64 => within(0, u64::MAX.into()),
            List(_) => value.is_array(),
            Map(_) | Object(_) => value.is_object(),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Text => "a string",
            Bool => "true or false",
            I32 => "a whole number of 32 bits",
            I64 => "a whole number of 64 bits",
            U16 => "a whole number from 0 to 65535",
            U32 => "a whole number from 0 to 4294967295",
            U64 => "a whole number of 64 bits from 0",
            List(_) => "a list",
            Map(_) | Object(_) => "an object",
        }
    }
}

/// Every value is of its field's type.
pub(super) fn types(spec: Node<'_>, found: &mut Found) {
    if !spec.value.is_object() {
        found.add(spec, "must be an object");
    }
    check_types(spec, &Object(SPEC), found);
}

fn check_types(node: Node<'_>, kind: &Kind, found: &mut Found) {
    if !node.is_there() {
        return;
    }
    if !kind.holds(node.value) {
        found.add(node, format_args!("must be {}", kind.name()));
        return;
    }
    match kind {
        // Long lists of texts are looked through before they are walked.
        List(Text) if node.texts().count() == node.value.as_array().map_or(0, Vec::len) => {}
        List(kind) => node.items().for_each(|item| check_types(item, kind, found)),
        Map(kind) => node.members().for_each(|(_, member)| check_types(member, kind, found)),
        Object(fields) => {
            for field in *fields {
                check_types(node.get(field.name), &field.kind, found);
            }
        }
        Text | Bool | I32 | I64 | U16 | U32 | U64 => {}
    }
}

/// No object lacks a text that it cannot do without.
pub(super) fn required(spec: Node<'_>, found: &mut Found) {
    check_required(spec, &Object(SPEC), found);
}

fn check_required(node: Node<'_>, kind: &Kind, found: &mut Found) {
    match kind {
        List(Text) => {}
        List(kind) => node.items().for_each(|item| check_required(item, kind, found)),
        Map(kind) => node.members().for_each(|(_, member)| check_required(member, kind, found)),
        Object(fields) if node.value.is_object() => {
            for field in *fields {
                let inner = node.get(field.name);
                if field.required && !inner.is_there() {
                    found.add(inner, "is missing");
                }
                check_required(inner, &field.kind, found);
            }
        }
        Object(_) | Text | Bool | I32 | I64 | U16 | U32 | U64 => {}
    }
}
