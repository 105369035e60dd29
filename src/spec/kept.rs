//! A JSON object whose values are kept as they were written, byte for byte.
//!
//! What the values mean is its user's.

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use std::fmt;

/// The fields of an object in their order, and the fields within those that are taken over in parts.
pub(crate) type Order<'a> = &'a [(&'a str, &'a [&'a str])];

/// An object's fields, in their order. Of a name that is there twice the last value counts, as everywhere.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kept(Vec<(String, Box<RawValue>)>);

impl Kept {
    /// Reads an object, and of its values only where they end.
    pub(crate) fn read(json: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(json)
    }

    /// The object of a field, where it is one.
    pub(crate) fn object(&self, name: &str) -> Option<Self> {
        Self::read(self.get(name)?.as_bytes()).ok()
    }

    /// A value as it was written.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(other, _)| *other == name).map(|(_, text)| text)
    }

    /// Each field, by its name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.get()))
    }

    /// Whether two values are written differently, or only one is there.
    pub(crate) fn differs(&self, other: &Self, name: &str) -> bool {
        self.get(name) != other.get(name)
    }

    /// Takes over what differs between two other objects, field by field; of a field that has an order of its
    /// own, what differs within. A new field goes where the order has it.
    pub(crate) fn follow(
        &mut self,
        before: &Self,
        after: &Self,
        order: Order<'_>,
    ) -> Result<(), serde_json::Error> {
        self.0.retain(|(name, _)| after.get(name).is_some() || before.get(name).is_none());
        for (name, value) in after.0.iter().filter(|(name, _)| before.differs(after, name)) {
            let within = order.iter().find(|(other, _)| other == name).map_or(&[][..], |(_, w)| w);
            let inner = self.object(name).filter(|_| !within.is_empty());
            match (inner, before.object(name), after.object(name)) {
                (Some(mut inner), Some(before), Some(after)) => {
                    let within: Vec<_> = within.iter().map(|name| (*name, &[][..])).collect();
                    inner.follow(&before, &after, &within)?;
                    self.put(name, serde_json::value::to_raw_value(&inner)?, order);
                }
                _ => self.put(name, value.clone(), order),
            }
        }
        Ok(())
    }

    /// Puts a value in the place of another, or where the order has it.
    fn put(&mut self, name: &str, value: Box<RawValue>, order: Order<'_>) {
        if let Some((_, old)) = self.0.iter_mut().find(|(other, _)| other == name) {
            *old = value;
            return;
        }
        let place = |name: &str| order.iter().position(|(other, _)| *other == name);
        let own = place(name);
        let later = self.0.iter().position(|(other, _)| own.is_some() && place(other) > own);
        self.0.insert(later.unwrap_or(self.0.len()), (name.to_owned(), value));
    }
}

impl Serialize for Kept {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
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
                    kept.put(&name, value, &[]);
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

    fn read(text: &str) -> Kept {
        Kept::read(text.as_bytes()).unwrap()
    }

    fn text(kept: &Kept) -> String {
        serde_json::to_string(kept).unwrap()
    }

    fn followed(kept: &str, before: &str, after: &str) -> String {
        let mut kept = read(kept);
        let order = ["a", "b", "c", "d", "e", "p"].map(|name| (name, &[][..]));
        let order = [&order[..], &[("o", &["a", "b"])]].concat();
        kept.follow(&read(before), &read(after), &order).unwrap();
        text(&kept)
    }

    #[test]
    fn values_keep_their_bytes() {
        let written =
            r#"{"a":{ "n": 1.50, "big": 123456789012345678901234567890 },"<":"<\u003c","e":[]}"#;
        assert_eq!(text(&read(written)), written);
        assert_eq!(read(written).get("e"), Some("[]"));
    }

    #[test]
    fn only_what_differs_is_taken_over() {
        let same = followed(r#"{"x": 1.0,"a":[ 1 ]}"#, r#"{"a":[1],"b":2}"#, r#"{"a":[1],"b":2}"#);
        assert_eq!(same, r#"{"x":1.0,"a":[ 1 ]}"#);
        let gone = followed(r#"{"a":[ 1 ],"x":2,"b":3}"#, r#"{"a":[1],"b":3}"#, r#"{"b":4}"#);
        assert_eq!(gone, r#"{"x":2,"b":4}"#);
    }

    #[test]
    fn what_is_new_goes_where_the_order_has_it() {
        let after = r#"{"a":0,"b":1,"c":0,"d":3,"e":0}"#;
        assert_eq!(
            followed(r#"{"b":1,"x":2,"d":3}"#, r#"{"b":1,"d":3}"#, after),
            r#"{"a":0,"b":1,"x":2,"c":0,"d":3,"e":0}"#
        );
    }

    #[test]
    fn a_nested_object_is_followed_within() {
        let (before, after) = (r#"{"o":{"a":1,"b":2},"p":{}}"#, r#"{"o":{"a":3},"p":{"q":1}}"#);
        let kept = r#"{"p":{"z":0},"o":{"y":[ ],"b":2,"a":1}}"#;
        assert_eq!(followed(kept, before, after), r#"{"p":{"q":1},"o":{"y":[ ],"a":3}}"#);
        assert_eq!(followed(r#"{"o":null}"#, before, after), r#"{"p":{"q":1},"o":{"a":3}}"#);
    }

    #[test]
    fn of_a_name_that_is_there_twice_the_last_counts() {
        assert_eq!(text(&read(r#"{"a":1,"b":2,"a":3}"#)), r#"{"a":3,"b":2}"#);
    }

    #[test]
    fn anything_but_an_object_is_refused() {
        for json in ["", "[]", "null", "{", r#"{"a":}"#, r#"{"a":1} x"#, "{\"a\":\"\u{1}\"}"] {
            assert!(Kept::read(json.as_bytes()).is_err(), "{json}");
        }
        assert!(Kept::read(b"{\"a\":\"\xff\"}").is_err());
    }
}
