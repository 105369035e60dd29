//! The syntax of JSON as Go's `encoding/json` accepts it, and the walk through one object or list.

use serde::Deserializer as _;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// How deep objects and lists may nest. Go allows 10,000; no real document comes near 128.
pub(super) const DEPTH: usize = 128;

/// Why JSON cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonError {
    /// The field, for example `config.Env[2]`; empty for the whole text.
    field: String,
    reason: String,
}

impl JsonError {
    /// An error of the value itself.
    #[must_use]
    pub fn new(reason: impl Into<String>) -> Self {
        Self { field: String::new(), reason: reason.into() }
    }

    /// The same error, with the name of the object or list around it.
    #[must_use]
    pub fn within(mut self, outer: &str) -> Self {
        let dot = if self.field.is_empty() || self.field.starts_with('[') { "" } else { "." };
        self.field = format!("{outer}{dot}{}", self.field);
        self
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.reason)
    }
}

impl std::error::Error for JsonError {}

/// Checks a text: one value, nothing but white space around it.
///
/// Bytes that are not UTF-8 are read as U+FFFD each, as Go does.
///
/// # Errors
///
/// Invalid JSON, and a text that nests deeper than [`DEPTH`].
pub(super) fn check(bytes: &[u8]) -> Result<Cow<'_, str>, JsonError> {
    let text = to_text(bytes);
    check_depth(&text)?;
    serde_json::from_str::<&RawValue>(&text).map_err(|error| broken(&error))?;
    Ok(text)
}

fn to_text(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    Cow::Owned(text)
}

fn check_depth(text: &str) -> Result<(), JsonError> {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEPTH {
            return Err(JsonError::new(format!("nests deeper than {DEPTH} levels")));
        }
    }
    Ok(())
}

/// The string of a text in quotes.
///
/// # Errors
///
/// An invalid JSON string.
pub(super) fn string(text: &str) -> Result<String, JsonError> {
    Text.deserialize(&mut serde_json::Deserializer::from_str(text)).map_err(|error| broken(&error))
}

/// Calls `entry` with each key of an object and the text of its value, in order.
///
/// # Errors
///
/// An invalid JSON object, and the error of `entry`.
pub(super) fn entries<'a>(
    text: &'a str,
    entry: impl FnMut(String, &'a str) -> Result<(), JsonError>,
) -> Result<(), JsonError> {
    let mut walk = Entries { entry, outcome: Ok(()) };
    let walked = serde_json::Deserializer::from_str(text).deserialize_map(&mut walk);
    walk.outcome.and(walked.map_err(|error| broken(&error)))
}

/// Calls `element` with the index and the text of each element of a list, in order.
///
/// # Errors
///
/// An invalid JSON list, and the error of `element`, with its index.
pub(super) fn elements<'a>(
    text: &'a str,
    element: impl FnMut(usize, &'a str) -> Result<(), JsonError>,
) -> Result<(), JsonError> {
    let mut walk = Elements { element, outcome: Ok(()) };
    let walked = serde_json::Deserializer::from_str(text).deserialize_seq(&mut walk);
    walk.outcome.and(walked.map_err(|error| broken(&error)))
}

fn broken(error: &serde_json::Error) -> JsonError {
    JsonError::new(format!("is not JSON: {error}"))
}

/// A string, with half a surrogate pair read as U+FFFD, as Go does.
struct Text;

impl<'de> DeserializeSeed<'de> for Text {
    type Value = String;

    fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<String, D::Error> {
        from.deserialize_bytes(self)
    }
}

impl Visitor<'_> for Text {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<String, E> {
        if let Ok(text) = std::str::from_utf8(bytes) {
            return Ok(text.to_owned());
        }
        // Half a pair is the three bytes that UTF-8 would have for it: 0xED and a second byte from 0xA0.
        let mut bytes = bytes.to_vec();
        for at in 0..bytes.len().saturating_sub(2) {
            if bytes[at] == 0xED && bytes[at + 1] >= 0xA0 {
                bytes[at..at + 3].copy_from_slice("\u{FFFD}".as_bytes());
            }
        }
        String::from_utf8(bytes).map_err(E::custom)
    }
}

struct Entries<F> {
    entry: F,
    outcome: Result<(), JsonError>,
}

impl<'de, F> Visitor<'de> for &mut Entries<F>
where
    F: FnMut(String, &'de str) -> Result<(), JsonError>,
{
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key_seed(Text)? {
            let value = map.next_value::<&RawValue>()?;
            self.outcome = (self.entry)(key, value.get());
            if self.outcome.is_err() {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            }
        }
        Ok(())
    }
}

struct Elements<F> {
    element: F,
    outcome: Result<(), JsonError>,
}

impl<'de, F> Visitor<'de> for &mut Elements<F>
where
    F: FnMut(usize, &'de str) -> Result<(), JsonError>,
{
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut index = 0;
        while let Some(value) = list.next_element::<&RawValue>()? {
            let outcome = (self.element)(index, value.get());
            self.outcome = outcome.map_err(|error| error.within(&format!("[{index}]")));
            if self.outcome.is_err() {
                while list.next_element::<IgnoredAny>()?.is_some() {}
            }
            index += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn strings_are_unescaped_as_go_does() {
        for (json, text) in [
            (&br#""a\n\u00e9\/\ud83d\ude00""#[..], "a\n\u{e9}/\u{1F600}"),
            (br#""\ud800x""#, "\u{FFFD}x"),
            (br#""\ud800\ud83d\ude00\udc00""#, "\u{FFFD}\u{1F600}\u{FFFD}"),
            (br#""\uD7FF\uE000\u0000""#, "\u{D7FF}\u{E000}\0"),
            (b"\"\xff\xe2\x82\"", "\u{FFFD}\u{FFFD}\u{FFFD}"),
            (b"\"\xed\xa0\x80 \xed\x9f\xbf\"", "\u{FFFD}\u{FFFD}\u{FFFD} \u{D7FF}"),
        ] {
            let checked = check(json).unwrap();
            assert_eq!(string(&checked).as_deref(), Ok(text));
        }
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for json in
            ["", " ", "{", "nul", "01", "[1,]", "{\"a\":1,}", "\"\\x\"", "\"\x01\"", "1 2", "{a:1}"]
        {
            assert!(check(json.as_bytes()).is_err(), "{json}");
        }
        assert!(check(b"\xef\xbb\xbf{}").is_err());
        assert!(check(b"{}\xff").is_err());
        assert!(check(b"\r\n\t {\"a\" : [ 1e999 ]}\n").is_ok());
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(check(nested(DEPTH).as_bytes()).is_ok());
        let said = JsonError::new("nests deeper than 128 levels");
        assert_eq!(check(nested(DEPTH + 1).as_bytes()).unwrap_err(), said);
        assert_eq!(check("[".repeat(4 << 20).as_bytes()).unwrap_err(), said);
        let text = json!(["[".repeat(1000), "\"{".repeat(1000)]).to_string();
        assert!(check(text.as_bytes()).is_ok());
    }

    proptest! {
        #[test]
        fn takes_the_json_that_a_strict_parser_takes(
            text in r#"([\[\]{}:, 0-9e.+-]|"[a\\"u]{0,3}"|true|null){0,12}|\PC{0,20}"#,
        ) {
            let strict = serde_json::from_str::<IgnoredAny>(&text).is_ok();
            prop_assert_eq!(check(text.as_bytes()).is_ok(), strict);
        }
    }
}
