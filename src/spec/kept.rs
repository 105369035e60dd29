//! A JSON object whose values are kept as they were written, byte for byte.
//!
//! What the values mean is its user's.

use crate::spec::encode;
use crate::spec::error::SpecError;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;
use std::fmt;

/// An object's fields, in their order. Of a name that is there twice the last value counts, as everywhere.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kept(Vec<(String, Box<RawValue>)>);

impl Kept {
    /// Reads an object, and of its values only where they end.
    pub(crate) fn read(json: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(json)
    }

    /// A value as it was written.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(other, _)| *other == name).map(|(_, text)| text)
    }

    /// Each field, by its name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.get()))
    }

    /// Takes a field away.
    pub(crate) fn remove(&mut self, name: &str) {
        self.0.retain(|(other, _)| other != name);
    }

    /// Puts a value in the place of another, or where an order of names has it.
    pub(crate) fn put(
        &mut self,
        name: &str,
        value: Value,
        order: &[&str],
    ) -> Result<(), SpecError> {
        self.put_json(name, encode::part(value)?, order)
    }

    /// The same with the value's bytes.
    pub(crate) fn put_json(
        &mut self,
        name: &str,
        json: Vec<u8>,
        order: &[&str],
    ) -> Result<(), SpecError> {
        let broken = |error: &dyn fmt::Display| SpecError::Profile {
            name: "a part of the spec".to_owned(),
            reason: error.to_string(),
        };
        let text = String::from_utf8(json).map_err(|error| broken(&error))?;
        self.set(name, RawValue::from_string(text).map_err(|error| broken(&error))?, order);
        Ok(())
    }

    fn set(&mut self, name: &str, value: Box<RawValue>, order: &[&str]) {
        if let Some((_, old)) = self.0.iter_mut().find(|(other, _)| other == name) {
            *old = value;
            return;
        }
        let place = |name: &str| order.iter().position(|other| *other == name);
        let own = place(name);
        let later = self.0.iter().position(|(other, _)| place(other) > own && own.is_some());
        self.0.insert(later.unwrap_or(self.0.len()), (name.to_owned(), value));
    }

    /// The object's bytes.
    pub(crate) fn into_json(self) -> Result<Vec<u8>, SpecError> {
        let mut json = vec![b'{'];
        for (index, (name, value)) in self.0.into_iter().enumerate() {
            if index > 0 {
                json.push(b',');
            }
            json.extend(encode::part(Value::String(name))?);
            json.push(b':');
            json.extend_from_slice(value.get().as_bytes());
        }
        json.push(b'}');
        Ok(json)
    }
}

impl<'de> Deserialize<'de> for Kept {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Kept;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Kept, A::Error> {
                let mut kept = Kept::default();
                while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    kept.set(&name, value, &[]);
                }
                Ok(kept)
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn text(kept: Kept) -> String {
        String::from_utf8(kept.into_json().unwrap()).unwrap()
    }

    #[test]
    fn values_keep_their_bytes() {
        let written =
            r#"{"a":{ "n": 1.50, "big": 123456789012345678901234567890 },"<":"<\u003c","e":[]}"#;
        let kept = Kept::read(written.as_bytes()).unwrap();
        assert_eq!(kept.get("e"), Some("[]"));
        assert_eq!(text(kept), written.replace("\"<\":", "\"\\u003c\":"));
    }

    #[test]
    fn what_is_new_goes_where_the_order_has_it() {
        let mut kept = Kept::read(br#"{"b":1,"x":2,"d":3}"#).unwrap();
        let order = ["a", "b", "c", "d", "e"];
        for name in ["c", "a", "e", "y", "b"] {
            kept.put(name, json!(0), &order).unwrap();
        }
        kept.remove("x");
        assert_eq!(text(kept), r#"{"a":0,"b":0,"c":0,"d":3,"e":0,"y":0}"#);
    }

    #[test]
    fn of_a_name_that_is_there_twice_the_last_counts() {
        assert_eq!(text(Kept::read(br#"{"a":1,"b":2,"a":3}"#).unwrap()), r#"{"a":3,"b":2}"#);
    }

    #[test]
    fn anything_but_an_object_is_refused() {
        for json in ["", "[]", "null", "{", r#"{"a":}"#, r#"{"a":1} x"#, "{\"a\":\"\u{1}\"}"] {
            assert!(Kept::read(json.as_bytes()).is_err(), "{json}");
        }
        assert!(Kept::read(b"{\"a\":\"\xff\"}").is_err());
    }
}
