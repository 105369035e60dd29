//! The bounds of requests, checked on the wire: a message is not decoded before its lists, maps and texts are known
//! to be within the bounds in `domain/limits.rs`.
//!
//! A list of empty messages takes two bytes for each on the wire and a hundred in memory, so a check of the decoded
//! message would come too late.

mod shape;
mod wire;

use crate::domain::json_size::measure_json;
use crate::domain::limits::{Bound, JSON_DEPTH, JSON_VALUES, REQUEST_ELEMENTS};
use crate::domain::violation::Violations;
use shape::{Field, Kind, Shape};
use std::ops::Range;
use wire::{Wire, next, varint};

/// Why a request is not decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Lists, maps or texts exceed their bounds.
    Bounds(Violations),
    /// The bytes are not a protobuf message, or use groups, which the API does not have.
    Malformed,
}

/// Checks an encoded message, by its name without the package. A message that is not a request has no bounds.
///
/// # Errors
///
/// A [`Refusal`], with the field and the bound of each violation.
pub fn check(name: &str, bytes: &[u8]) -> Result<(), Refusal> {
    if !is_request(name) {
        return Ok(());
    }
    let Some(shape) = shape::find(name) else { return Ok(()) };
    // Violations of Explain name the fields of the request inside it.
    let hidden = usize::from(name == "ExplainRequest");
    let mut walk = Walk { path: Vec::new(), hidden, elements: 0, wrong: Violations::default() };
    let whole = walk.message(shape, None, bytes, &mut Counts::default());
    if !walk.wrong.is_empty() {
        return Err(Refusal::Bounds(walk.wrong));
    }
    whole.ok_or(Refusal::Malformed)
}

/// The bound of a field, by the name of its message and its own.
#[must_use]
pub fn find_bound(message: &str, field: &str) -> Option<Bound> {
    shape::find(message)?.0.values().find(|other| other.name == field)?.bound
}

/// The place of a text field in a message. Absent if the message does not have the field exactly once, or is malformed.
pub(super) fn find_text(message: &[u8], field: u64) -> Option<Range<usize>> {
    let (mut rest, mut found) = (message, None);
    while !rest.is_empty() {
        let (number, wire) = next(&mut rest)?;
        if number == field {
            let Wire::Bytes(text) = wire else { return None };
            let end = message.len() - rest.len();
            if found.replace(end - text.len()..end).is_some() {
                return None;
            }
        }
    }
    found
}

/// Whether a message is a request, by its name.
pub(super) fn is_request(name: &str) -> bool {
    name.ends_with("Request")
}

/// How many elements the lists of a message have so far. A message may be sent in parts, which are merged.
#[derive(Default)]
struct Counts {
    elements: Vec<(u64, usize)>,
    parts: Vec<(u64, Counts)>,
}

impl Counts {
    fn add(&mut self, number: u64, count: usize) -> usize {
        match self.elements.iter_mut().find(|(other, _)| *other == number) {
            Some((_, total)) => {
                *total += count;
                *total
            }
            None => {
                self.elements.push((number, count));
                count
            }
        }
    }

    fn part(&mut self, number: u64) -> Option<&mut Self> {
        let at = self.parts.iter().position(|(other, _)| *other == number);
        let at = at.unwrap_or_else(|| {
            self.parts.push((number, Self::default()));
            self.parts.len() - 1
        });
        self.parts.get_mut(at).map(|(_, counts)| counts)
    }
}

struct Walk<'a> {
    /// The names of the fields on the way, each with its position in a list.
    path: Vec<(&'a str, Option<usize>)>,
    /// How many names at the start of the path are left out of violations.
    hidden: usize,
    /// The elements of all lists and maps so far.
    elements: usize,
    wrong: Violations,
}

impl<'a> Walk<'a> {
    /// Checks a message; nothing where it is malformed, or where enough of it is wrong.
    fn message(
        &mut self,
        shape: &'a Shape,
        of_parent: Option<Bound>,
        mut bytes: &[u8],
        counts: &mut Counts,
    ) -> Option<()> {
        while !bytes.is_empty() {
            let (number, wire) = next(&mut bytes)?;
            let Some(field) = shape.0.get(&number) else { continue };
            // A list of texts that can be absent has the bound of the field that holds it.
            let bound = field.bound.or(of_parent);
            self.path.push((&field.name, None));
            let whole = self.field(field, bound, number, &wire, counts);
            self.path.pop();
            whole?;
        }
        Some(())
    }

    fn field(
        &mut self,
        field: &'a Field,
        bound: Option<Bound>,
        number: u64,
        wire: &Wire<'_>,
        counts: &mut Counts,
    ) -> Option<()> {
        if field.repeated {
            let count = match (&field.kind, wire) {
                // Numbers may be packed.
                (Kind::Number | Kind::Enum(_), Wire::Bytes(packed)) => {
                    packed.iter().filter(|byte| **byte & 0x80 == 0).count()
                }
                _ => 1,
            };
            let total = counts.add(number, count);
            if !self.counted(bound, total, count) {
                return None;
            }
            if let Some(last) =
                self.path.last_mut().filter(|_| !matches!(field.kind, Kind::Entry(_)))
            {
                // A packed list may be empty.
                last.1 = total.checked_sub(1);
            }
        }
        match (&field.kind, wire) {
            (Kind::Number, _) => Some(()),
            (Kind::Enum(known), Wire::Varint(value)) => {
                self.enum_value(known, *value);
                Some(())
            }
            (Kind::Enum(known), Wire::Bytes(packed)) => {
                let mut values = Vec::new();
                let mut packed = *packed;
                while !packed.is_empty() {
                    values.push(varint(&mut packed)?);
                }
                // From the last one: the path has its position.
                for value in values.into_iter().rev() {
                    self.enum_value(known, value);
                    if let Some((_, index)) = self.path.last_mut() {
                        *index = index.and_then(|index| index.checked_sub(1));
                    }
                }
                Some(())
            }
            (Kind::Text, Wire::Bytes(text)) => {
                self.text(bound, text);
                Some(())
            }
            (Kind::Message(name), Wire::Bytes(inner)) => {
                let Some(shape) = shape::find(name) else { return Some(()) };
                if field.repeated {
                    self.message(shape, field.bound, inner, &mut Counts::default())
                } else {
                    self.message(shape, field.bound, inner, counts.part(number)?)
                }
            }
            (Kind::Entry(value), Wire::Bytes(inner)) => self.entry(value.as_deref(), bound, inner),
            (Kind::Enum(_), Wire::Fixed)
            | (Kind::Text | Kind::Message(_) | Kind::Entry(_), Wire::Varint(_) | Wire::Fixed) => {
                None
            }
        }
    }

    fn entry(&mut self, value: Option<&str>, bound: Option<Bound>, mut bytes: &[u8]) -> Option<()> {
        while !bytes.is_empty() {
            match next(&mut bytes)? {
                (1, Wire::Bytes(key)) => self.text(bound, key),
                (2, Wire::Bytes(text)) => match value.and_then(shape::find) {
                    Some(shape) => self.message(shape, None, text, &mut Counts::default())?,
                    None => self.text(bound, text),
                },
                (_, Wire::Bytes(_) | Wire::Varint(_) | Wire::Fixed) => {}
            }
        }
        Some(())
    }

    /// Checks a value of an enum. The generated code would read one that is unknown as unspecified.
    fn enum_value(&mut self, known: &[(i32, String)], value: u64) {
        // Negative numbers have ten bytes on the wire.
        let is_known = known.iter().any(|(number, _)| i64::from(*number).cast_unsigned() == value);
        if !is_known {
            let names: Vec<&str> = known.iter().map(|(_, name)| name.as_str()).collect();
            let value = value.cast_signed();
            self.refuse(format_args!("unknown value {value}, known are {}", names.join(", ")));
        }
    }

    /// Counts elements of a list or map. Returns whether there may be more.
    fn counted(&mut self, bound: Option<Bound>, total: usize, new: usize) -> bool {
        self.elements += new;
        let most = match bound {
            Some(Bound::List(most) | Bound::Texts(most, _) | Bound::Map(most, _)) => most,
            Some(Bound::Text(_) | Bound::Json(_)) | None => 0,
        };
        if total > most {
            self.refuse(format_args!("must have at most {most} elements"));
        } else if self.elements > REQUEST_ELEMENTS {
            let text = "has too many elements: all lists and maps of a request together may have";
            self.refuse(format_args!("{text} {REQUEST_ELEMENTS}"));
        } else {
            return true;
        }
        false
    }

    fn text(&mut self, bound: Option<Bound>, text: &[u8]) {
        let most = match bound {
            Some(
                Bound::Text(most) | Bound::Json(most) | Bound::Texts(_, most) | Bound::Map(_, most),
            ) => most,
            Some(Bound::List(_)) | None => 0,
        };
        if text.len() > most {
            self.refuse(format_args!("must be at most {most} bytes"));
        } else if matches!(bound, Some(Bound::Json(_))) {
            let (values, depth) = measure_json(text);
            if values > JSON_VALUES {
                self.refuse(format_args!("must have at most {JSON_VALUES} JSON values"));
            }
            if depth > JSON_DEPTH {
                self.refuse(format_args!("must be nested at most {JSON_DEPTH} deep"));
            }
        }
    }

    fn refuse(&mut self, description: std::fmt::Arguments<'_>) {
        let mut field = String::new();
        for (name, index) in self.path.iter().skip(self.hidden) {
            if !field.is_empty() {
                field.push('.');
            }
            field.push_str(name);
            if let Some(index) = index {
                field.push_str(&format!("[{index}]"));
            }
        }
        self.wrong.push(field, description);
    }
}
