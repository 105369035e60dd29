//! What every type of a field can do: the operations that follow from a field's type.

use crate::oci::place::Place;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

/// A value in JSON that has another type than the runtime spec gives its field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongType {
    /// Where it is.
    pub place: Place,
    /// The type that the field has, for example `a string`.
    pub expected: Cow<'static, str>,
}

impl fmt::Display for WrongType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: must be {}", self.place, self.expected)
    }
}

/// The type of a field of the runtime spec.
pub trait Member: Default + Sized {
    /// Whether the value may be any JSON.
    const IS_ANY: bool = false;

    /// Whether Go's `omitempty` leaves the value out.
    fn is_omitted(&self) -> bool;

    /// Sets what `over` sets, and keeps the rest: objects and maps are merged, anything else is replaced.
    fn merge(&mut self, over: Self);

    /// Notes each value in JSON that has another type. `null` counts as absent, as for Go, except in a list, where Go
    /// would read it as zero.
    fn check_types(json: &Value, place: &mut Place, wrong: &mut Vec<WrongType>);

    /// Replaces each string in the value that may have a placeholder, for example `{id}`.
    fn fill_placeholders(&mut self, fill: &dyn Fn(&str) -> String) {
        let _ = fill;
    }

    /// Whether a string in the value may have a placeholder: whether it has a brace.
    fn has_placeholder(&self) -> bool {
        false
    }

    /// Notes the place of each field that no struct has.
    fn find_unknown(&self, place: &mut Place, found: &mut Vec<Place>) {
        let _ = (place, found);
    }
}

impl Member for bool {
    fn is_omitted(&self) -> bool {
        !*self
    }

    fn merge(&mut self, over: Self) {
        *self |= over;
    }

    fn check_types(json: &Value, place: &mut Place, wrong: &mut Vec<WrongType>) {
        check(json.is_boolean() || json.is_null(), "true or false", place, wrong);
    }
}

macro_rules! number {
    ($type:ty, $expected:literal) => {
        impl Member for $type {
            fn is_omitted(&self) -> bool {
                *self == 0
            }

            fn merge(&mut self, over: Self) {
                if over != 0 {
                    *self = over;
                }
            }

            fn check_types(json: &Value, place: &mut Place, wrong: &mut Vec<WrongType>) {
                let signed = json.as_i64().map(Self::try_from);
                let unsigned = || json.as_u64().map(Self::try_from);
                let fits =
                    signed.is_some_and(|n| n.is_ok()) || unsigned().is_some_and(|n| n.is_ok());
                check(fits || json.is_null(), $expected, place, wrong);
            }
        }
    };
}
number!(u16, "a whole number from 0 to 65535");
number!(u32, "a whole number from 0 to 4294967295");
number!(u64, "a whole number of 64 bits from 0");
number!(i32, "a whole number of 32 bits");
number!(i64, "a whole number of 64 bits");

impl Member for String {
    fn is_omitted(&self) -> bool {
        self.is_empty()
    }

    fn merge(&mut self, over: Self) {
        if !over.is_empty() {
            *self = over;
        }
    }

    fn check_types(json: &Value, place: &mut Place, wrong: &mut Vec<WrongType>) {
        check(json.is_string() || json.is_null(), "a string", place, wrong);
    }

    fn fill_placeholders(&mut self, fill: &dyn Fn(&str) -> String) {
        if self.has_placeholder() {
            *self = fill(self);
        }
    }

    fn has_placeholder(&self) -> bool {
        self.as_bytes().contains(&b'{')
    }
}

impl<T: Member> Member for Option<T> {
    fn is_omitted(&self) -> bool {
        self.is_none()
    }

    fn merge(&mut self, over: Self) {
        match (self.as_mut(), over) {
            (_, None) => {}
            (Some(value), Some(over)) if !over.is_omitted() => value.merge(over),
            (_, over) => *self = over,
        }
    }

    fn check_types(json: &Value, place: &mut Place, wrong: &mut Vec<WrongType>) {
        T::check_types(json, place, wrong);
    }

    fn fill_placeholders(&mut self, fill: &dyn Fn(&str) -> String) {
        self.iter_mut().for_each(|value| value.fill_placeholders(fill));
    }

    fn has_placeholder(&self) -> bool {
        self.iter().any(Member::has_placeholder)
    }

    fn find_unknown(&self, place: &mut Place, found: &mut Vec<Place>) {
        self.iter().for_each(|value| value.find_unknown(place, found));
    }
}

impl<T: Member> Member for Vec<T> {
    fn is_omitted(&self) -> bool {
        self.is_empty()
    }

    fn merge(&mut self, over: Self) {
        if !over.is_empty() {
            *self = over;
        }
    }

    fn check_types(json: &Value, place: &mut Place, wrong: &mut Vec<WrongType>) {
        check(json.is_array() || json.is_null(), "a list", place, wrong);
        for (index, element) in json.as_array().into_iter().flatten().enumerate() {
            place.enter(index, |place| {
                check(T::IS_ANY || !element.is_null(), "a value and not null", place, wrong);
                T::check_types(element, place, wrong);
            });
        }
    }

    fn fill_placeholders(&mut self, fill: &dyn Fn(&str) -> String) {
        self.iter_mut().for_each(|value| value.fill_placeholders(fill));
    }

    fn has_placeholder(&self) -> bool {
        self.iter().any(Member::has_placeholder)
    }

    fn find_unknown(&self, place: &mut Place, found: &mut Vec<Place>) {
        for (index, value) in self.iter().enumerate() {
            place.enter(index, |place| value.find_unknown(place, found));
        }
    }
}

impl<T: Member> Member for BTreeMap<String, T> {
    fn is_omitted(&self) -> bool {
        self.is_empty()
    }

    fn merge(&mut self, over: Self) {
        for (key, over) in over {
            match self.get_mut(&key) {
                Some(value) if !over.is_omitted() => value.merge(over),
                _ => {
                    self.insert(key, over);
                }
            }
        }
    }

    fn check_types(json: &Value, place: &mut Place, wrong: &mut Vec<WrongType>) {
        check(json.is_object() || json.is_null(), "an object", place, wrong);
        for (key, value) in json.as_object().into_iter().flatten() {
            place.enter(key.as_str(), |place| T::check_types(value, place, wrong));
        }
    }

    fn fill_placeholders(&mut self, fill: &dyn Fn(&str) -> String) {
        self.values_mut().for_each(|value| value.fill_placeholders(fill));
    }

    fn has_placeholder(&self) -> bool {
        self.values().any(Member::has_placeholder)
    }

    fn find_unknown(&self, place: &mut Place, found: &mut Vec<Place>) {
        for (key, value) in self {
            place.enter(key.as_str(), |place| value.find_unknown(place, found));
        }
    }
}

/// Any JSON: the sections of other systems than Linux, which are kept as they are.
impl Member for Value {
    const IS_ANY: bool = true;

    fn is_omitted(&self) -> bool {
        self.is_null()
    }

    fn merge(&mut self, over: Self) {
        *self = over;
    }

    fn check_types(_: &Value, _: &mut Place, _: &mut Vec<WrongType>) {}

    fn fill_placeholders(&mut self, fill: &dyn Fn(&str) -> String) {
        match self {
            Self::String(text) => text.fill_placeholders(fill),
            Self::Array(list) => list.iter_mut().for_each(|value| value.fill_placeholders(fill)),
            Self::Object(object) => {
                object.values_mut().for_each(|value| value.fill_placeholders(fill));
            }
            Self::Null | Self::Bool(_) | Self::Number(_) => {}
        }
    }

    fn has_placeholder(&self) -> bool {
        match self {
            Self::String(text) => text.has_placeholder(),
            Self::Array(list) => list.iter().any(Member::has_placeholder),
            Self::Object(object) => object.values().any(Member::has_placeholder),
            Self::Null | Self::Bool(_) | Self::Number(_) => false,
        }
    }
}

/// The fields that no struct has, by their names.
pub type Other = Map<String, Value>;

/// Notes each key that differs from the name of a field in the case of its letters alone. Go's `encoding/json`, with which
/// runc reads a spec, takes it for that field.
pub(super) fn check_case(
    json: &Value,
    names: &[&str],
    place: &mut Place,
    wrong: &mut Vec<WrongType>,
) {
    let keys = json.as_object().into_iter().flatten().map(|(key, _)| key);
    for key in keys.filter(|key| !names.contains(&key.as_str())) {
        // The two letters beyond ASCII that have one of ASCII in the other case: the Kelvin sign and the long s.
        let folded = key.replace('\u{212A}', "k").replace('\u{17F}', "s");
        if let Some(name) = names.iter().find(|name| name.eq_ignore_ascii_case(&folded)) {
            let expected = format!("written {name:?}, because runc ignores the case of names");
            let place = place.enter(key.as_str(), |place| place.clone());
            wrong.push(WrongType { place, expected: expected.into() });
        }
    }
}

pub(super) fn check(fits: bool, expected: &'static str, place: &Place, wrong: &mut Vec<WrongType>) {
    if !fits {
        wrong.push(WrongType { place: place.clone(), expected: expected.into() });
    }
}
