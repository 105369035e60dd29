//! A document and its values, each of which is read into a place of the caller.
//!
//! Values are slices of the text, and only what the caller asks for is built. So the memory is bounded by
//! the caller, and the time by the length of the text times the depth of the structs.
//!
//! Invariant: a [`Value`] that exists has passed the syntax check, and nothing in it is deeper than
//! 128 levels.

use super::list::List;
use super::syntax::{self, JsonError};
use super::time;
use base64::Engine as _;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// A JSON text that has passed the syntax check.
#[derive(Debug)]
pub struct Document<'a>(Cow<'a, str>);

impl<'a> Document<'a> {
    /// Checks a text: one value, nothing but white space around it.
    ///
    /// # Errors
    ///
    /// Invalid JSON, and a text that nests deeper than 128 levels.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, JsonError> {
        syntax::check(bytes).map(Self)
    }

    /// The value of the whole text.
    #[must_use]
    pub fn root(&self) -> Value<'_> {
        Value(self.0.trim_matches([' ', '\t', '\r', '\n']))
    }
}

/// One value, not yet read.
///
/// Each method reads it into a place that may already have a value, which decides what `null` and a
/// repeated key do.
#[derive(Debug, Clone, Copy)]
pub struct Value<'a>(&'a str);

impl<'a> Value<'a> {
    /// The text of the value, without white space around it.
    #[must_use]
    pub(super) fn text(self) -> &'a str {
        self.0
    }

    /// Whether it is `null`.
    #[must_use]
    pub fn is_null(self) -> bool {
        self.0 == "null"
    }

    /// The error that this value is not what was expected.
    #[must_use]
    pub(super) fn wrong(self, expected: &str) -> JsonError {
        let found = match self.0.as_bytes().first() {
            Some(b'{') => "an object",
            Some(b'[') => "a list",
            Some(b'"') => "a string",
            Some(b't' | b'f') => "a boolean",
            Some(b'n') => "null",
            _ => "a number",
        };
        JsonError::new(format!("expected {expected}, found {found}"))
    }

    /// Reads a struct: calls `field` with each known name and its value, in the order of the text.
    ///
    /// # Errors
    ///
    /// A value that is neither an object nor `null`, and the error of `field`, with the field's name.
    pub fn fields(
        self,
        names: &[&'static str],
        mut field: impl FnMut(&'static str, Value<'a>) -> Result<(), JsonError>,
    ) -> Result<(), JsonError> {
        self.entries(|key, value| match names.iter().find(|name| same_name(&key, name)) {
            Some(name) => field(name, value).map_err(|error| error.within(name)),
            None => Ok(()),
        })
    }

    /// Reads a map: calls `entry` with each key and its value, in the order of the text.
    fn entries(
        self,
        mut entry: impl FnMut(String, Value<'a>) -> Result<(), JsonError>,
    ) -> Result<(), JsonError> {
        if self.is_null() {
            return Ok(());
        }
        if !self.0.starts_with('{') {
            return Err(self.wrong("an object"));
        }
        syntax::entries(self.0, move |key, value| entry(key, Value(value)))
    }

    /// Calls `element` with each element of a list; `null` has none.
    ///
    /// # Errors
    ///
    /// A value that is neither a list nor `null`, and the error of `element`, with its index.
    pub fn elements(
        self,
        mut element: impl FnMut(usize, Value<'a>) -> Result<(), JsonError>,
    ) -> Result<(), JsonError> {
        if self.is_null() {
            return Ok(());
        }
        if !self.0.starts_with('[') {
            return Err(self.wrong("a list"));
        }
        syntax::elements(self.0, move |index, value| element(index, Value(value)))
    }

    /// Reads a list into one that may have been read before.
    ///
    /// # Errors
    ///
    /// Those of [`Self::elements`].
    pub fn list<T: Default>(
        self,
        into: &mut List<T>,
        mut element: impl FnMut(&mut T, Value<'a>) -> Result<(), JsonError>,
    ) -> Result<(), JsonError> {
        if self.is_null() {
            into.clear();
            return Ok(());
        }
        let mut length = 0;
        self.elements(|index, value| {
            length = index + 1;
            element(into.slot(index), value)
        })?;
        into.end(length);
        Ok(())
    }

    /// Reads a list of strings.
    ///
    /// # Errors
    ///
    /// Any other value, except `null`.
    pub fn strings(self, into: &mut List<String>) -> Result<(), JsonError> {
        self.list(into, |slot, value| value.string(slot))
    }

    /// Reads a string; `null` changes nothing.
    ///
    /// # Errors
    ///
    /// Any other value.
    pub fn string(self, into: &mut String) -> Result<(), JsonError> {
        if self.is_null() {
            return Ok(());
        }
        if !self.0.starts_with('"') {
            return Err(self.wrong("a string"));
        }
        *into = syntax::string(self.0)?;
        Ok(())
    }

    /// Reads a boolean; `null` changes nothing.
    ///
    /// # Errors
    ///
    /// Any other value.
    pub fn boolean(self, into: &mut bool) -> Result<(), JsonError> {
        match self.0 {
            "null" => {}
            "true" => *into = true,
            "false" => *into = false,
            _ => return Err(self.wrong("a boolean")),
        }
        Ok(())
    }

    /// Reads an integer without a fraction and an exponent; `null` changes nothing.
    ///
    /// # Errors
    ///
    /// Any other value, and a number that does not fit into 64 bits.
    pub fn integer(self, into: &mut i64) -> Result<(), JsonError> {
        if self.is_null() {
            return Ok(());
        }
        if !self.0.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
            return Err(self.wrong("an integer"));
        }
        let wrong = || JsonError::new(format!("expected an integer, found {}", shortened(self.0)));
        *into = self.0.parse().map_err(|_| wrong())?;
        Ok(())
    }

    /// Checks a time, or `null`.
    ///
    /// # Errors
    ///
    /// Any other value.
    pub fn check_time(self) -> Result<(), JsonError> {
        time::check(self)
    }

    /// Reads bytes in base 64; `null` clears them.
    ///
    /// # Errors
    ///
    /// Any other value. Go also accepts a list of numbers, which no writer uses.
    pub fn bytes(self, into: &mut Option<Vec<u8>>) -> Result<(), JsonError> {
        if self.is_null() {
            *into = None;
            return Ok(());
        }
        let mut text = String::new();
        self.string(&mut text)?;
        text.retain(|c| c != '\r' && c != '\n');
        let config =
            base64::engine::GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);
        let engine = base64::engine::GeneralPurpose::new(&base64::alphabet::STANDARD, config);
        let decoded = engine.decode(text);
        *into = Some(decoded.map_err(|error| JsonError::new(format!("is not base 64: {error}")))?);
        Ok(())
    }

    /// Reads a map of strings into one that may have been read before; `null` clears it.
    ///
    /// # Errors
    ///
    /// Any other value.
    pub fn string_map(self, into: &mut Option<BTreeMap<String, String>>) -> Result<(), JsonError> {
        if self.is_null() {
            *into = None;
            return Ok(());
        }
        let map = into.get_or_insert_default();
        self.entries(|key, value| {
            let mut text = String::new();
            value.string(&mut text).map_err(|error| error.within(&format!("[{key:?}]")))?;
            map.insert(key, text);
            Ok(())
        })
    }

    /// Reads a map of empty objects, of which only the keys count; `null` clears it.
    ///
    /// # Errors
    ///
    /// Any other value, and an element that is neither an object nor `null`.
    pub fn key_set(self, into: &mut Option<BTreeSet<String>>) -> Result<(), JsonError> {
        if self.is_null() {
            *into = None;
            return Ok(());
        }
        let set = into.get_or_insert_default();
        self.entries(|key, value| {
            value
                .fields(&[], |_, _| Ok(()))
                .map_err(|error| error.within(&format!("[{key:?}]")))?;
            set.insert(key);
            Ok(())
        })
    }
}

fn shortened(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}...", &text[..end]).into(),
        None => text.into(),
    }
}

/// Whether a key is that of a field: letters in any case, and the two characters beyond ASCII with an ASCII
/// lower case, the Kelvin sign and the long s.
///
/// Names of fields are ASCII.
fn same_name(key: &str, name: &str) -> bool {
    let mut name = name.bytes();
    let matches = key.chars().all(|c| {
        let folded = match c {
            '\u{212A}' => 'k',
            '\u{017F}' => 's',
            c => c.to_ascii_lowercase(),
        };
        name.next().is_some_and(|b| char::from(b.to_ascii_lowercase()) == folded)
    });
    matches && name.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn read<T: Default>(
        json: impl AsRef<[u8]>,
        read: impl FnOnce(Value<'_>, &mut T) -> Result<(), JsonError>,
    ) -> Result<T, String> {
        let mut into = T::default();
        let document = Document::parse(json.as_ref()).map_err(|error| error.to_string())?;
        read(document.root(), &mut into).map_err(|error| error.to_string())?;
        Ok(into)
    }

    /// The values of the field `name`, in order.
    fn field(json: &str, name: &'static str) -> Vec<String> {
        read(json, |value, into: &mut Vec<String>| {
            value.fields(&[name], |_, value| {
                into.push(value.text().to_owned());
                Ok(())
            })
        })
        .unwrap()
    }

    #[test]
    fn keys_match_in_any_case_and_in_order() {
        let json = r#"{"Key":1,"other":2,"kEY":{"key":0},"key":null,"K\u0065y":5,"Key ":6,"ke":7,"keys":8}"#;
        assert_eq!(field(json, "key"), ["1", "{\"key\":0}", "null", "5"]);
        assert_eq!(field(json, "KEY"), field(json, "key"));
        assert_eq!(field(r#"{"os.version":1,"osversion":2}"#, "os.version"), ["1"]);
        assert_eq!(field(r#"{"ﬁ":1,"É":2,"é":3,"i":4,"İ":5,"ı":6}"#, "i"), ["4"]);
        assert_eq!(field("{\"\u{212A}\u{017F}\":1,\"k\u{df}\":2}", "ks"), ["1"]);
    }

    #[test]
    fn null_leaves_plain_values_and_clears_the_others() {
        let mut text = "before".to_owned();
        let (mut yes, mut number, mut bytes) = (true, 7, Some(vec![1]));
        let (mut map, mut set) =
            (Some([("a".into(), "b".into())].into()), Some(["a".into()].into()));
        let mut list = List::default();
        Value("[\"a\"]").strings(&mut list).unwrap();
        let null = Value("null");
        null.string(&mut text).unwrap();
        null.boolean(&mut yes).unwrap();
        null.integer(&mut number).unwrap();
        null.bytes(&mut bytes).unwrap();
        null.string_map(&mut map).unwrap();
        null.key_set(&mut set).unwrap();
        null.strings(&mut list).unwrap();
        null.fields(&["a"], |_, _| Err(JsonError::new("called"))).unwrap();
        null.elements(|_, _| Err(JsonError::new("called"))).unwrap();
        assert_eq!((text.as_str(), yes, number, bytes), ("before", true, 7, None));
        assert_eq!((map, set, list.into_option()), (None, None, None));
    }

    #[test]
    fn maps_merge() {
        let merged = read("[{\"a\":\"1\",\"b\":\"2\"},{\"b\":null,\"A\":\"3\"}]", |value, map| {
            value.elements(|_, value| value.string_map(map))
        });
        let expected = [("A", "3"), ("a", "1"), ("b", "")];
        let expected = expected.map(|(key, text)| (key.to_owned(), text.to_owned()));
        assert_eq!(merged, Ok(Some(expected.into())));
        let keys =
            read("{\"80/tcp\":{},\"x\":null,\"y\":{\"z\":[]}}", |value, into| value.key_set(into));
        assert_eq!(keys, Ok(Some(["80/tcp", "x", "y"].map(str::to_owned).into())));
    }

    #[test]
    fn wrong_types_say_where_and_what() {
        let fields = |value: Value<'_>, _: &mut ()| {
            value.fields(&["list", "map"], |name, value| match name {
                "list" => value.strings(&mut List::default()),
                _ => value.fields(&["set"], |_, value| value.key_set(&mut None)),
            })
        };
        for (json, said) in [
            ("[]", "expected an object, found a list"),
            (r#"{"LIST":"a"}"#, "list: expected a list, found a string"),
            (r#"{"list":["a",true]}"#, "list[1]: expected a string, found a boolean"),
            (r#"{"map":{"set":7}}"#, "map.set: expected an object, found a number"),
            (
                r#"{"map":{"set":{"a\"":""}}}"#,
                r#"map.set["a\""]: expected an object, found a string"#,
            ),
        ] {
            assert_eq!(read(json, fields), Err(said.to_owned()), "{json}");
        }
        assert_eq!(
            read("1", |value, into| value.boolean(into)),
            Err("expected a boolean, found a number".into())
        );
        assert_eq!(
            read("{}", |value, into| value.integer(into)),
            Err("expected an integer, found an object".into())
        );
        let long = "1".repeat(100);
        let said = format!("expected an integer, found {}...", "1".repeat(40));
        assert_eq!(read(long, |value, into| value.integer(into)), Err(said));
    }

    #[test]
    fn integers_are_written_as_such() {
        for (json, number) in [("0", 0), ("-0", 0), ("-5", -5), ("9223372036854775807", i64::MAX)] {
            assert_eq!(read(json, |value, into| value.integer(into)), Ok(number));
        }
        for json in ["1.0", "1e3", "9223372036854775808", "\"1\"", "true"] {
            assert!(read::<i64>(json, |value, into| value.integer(into)).is_err(), "{json}");
        }
    }

    #[test]
    fn base64_is_gos() {
        for json in [r#""aGk=""#, r#""a\nGk=\r\n""#, r#""aGl=""#] {
            assert_eq!(
                read(json, |value, into| value.bytes(into)),
                Ok(Some(b"hi".to_vec())),
                "{json}"
            );
        }
        for json in [r#""aGk""#, r#""aG k=""#, r#""a-_=""#, "[104,105]"] {
            assert!(
                read::<Option<Vec<u8>>>(json, |value, into| value.bytes(into)).is_err(),
                "{json}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(document) = Document::parse(&bytes) {
                let _ = document.root().string_map(&mut None);
                let _ = document.root().strings(&mut List::default());
            }
        }

        #[test]
        fn strings_come_back(texts in proptest::collection::vec(any::<String>(), 0..8)) {
            let json = json!(texts).to_string();
            let list = read::<List<String>>(json, |value, into| value.strings(into)).unwrap();
            prop_assert_eq!(list.into_option(), Some(texts));
        }

        #[test]
        fn maps_come_back(map: BTreeMap<String, String>) {
            let json = json!(map).to_string();
            let read = read::<Option<BTreeMap<String, String>>>(json, |value, into| value.string_map(into)).unwrap();
            prop_assert_eq!(read, Some(map));
        }

        #[test]
        fn names_match_like_lower_case(key in "[a-cA-CkKsS._]{0,4}", name in "[a-cA-CkKsS._]{0,4}") {
            let expected = key.to_lowercase() == name.to_lowercase();
            prop_assert_eq!(same_name(&key, &name), expected);
        }
    }
}
