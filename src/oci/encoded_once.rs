//! A value that many specs share, with its JSON, which is written once.

use crate::oci::place::Place;
use crate::oci::{Member, WrongType, json};
use serde::de::Deserializer;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, OnceLock};

/// A value that is shared until it is edited, with its JSON: the parts of a profile that few requests change, and
/// seccomp policies.
pub struct EncodedOnce<T>(Arc<Inner<T>>);

struct Inner<T> {
    value: T,
    /// The JSON in Go's form, once the value was written.
    json: OnceLock<Option<Box<RawValue>>>,
    has_placeholder: OnceLock<bool>,
}

impl<T> Inner<T> {
    fn new(value: T) -> Self {
        Self { value, json: OnceLock::new(), has_placeholder: OnceLock::new() }
    }
}

/// The copy is to be edited, so what is known of the value is not copied.
impl<T: Clone> Clone for Inner<T> {
    fn clone(&self) -> Self {
        Self::new(self.value.clone())
    }
}

impl<T> EncodedOnce<T> {
    /// Shares a value.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self(Arc::new(Inner::new(value)))
    }
}

impl<T: Serialize> Serialize for EncodedOnce<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if Arc::strong_count(&self.0) == 1 {
            return self.0.value.serialize(serializer);
        }
        let encode = || {
            let text = String::from_utf8(json::to_vec(&self.0.value).ok()?).ok()?;
            RawValue::from_string(text).ok()
        };
        match self.0.json.get_or_init(encode) {
            Some(json) => json.serialize(serializer),
            None => self.0.value.serialize(serializer),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for EncodedOnce<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::new)
    }
}

impl<T> Deref for EncodedOnce<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.value
    }
}

/// A value that others share is copied first.
impl<T: Clone> DerefMut for EncodedOnce<T> {
    fn deref_mut(&mut self) -> &mut T {
        let inner = Arc::make_mut(&mut self.0);
        inner.json = OnceLock::new();
        inner.has_placeholder = OnceLock::new();
        &mut inner.value
    }
}

impl<T> From<T> for EncodedOnce<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T> Clone for EncodedOnce<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Default> Default for EncodedOnce<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: PartialEq> PartialEq for EncodedOnce<T> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.value == other.0.value
    }
}

impl<T: Eq> Eq for EncodedOnce<T> {}

impl<T: fmt::Debug> fmt::Debug for EncodedOnce<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.value.fmt(f)
    }
}

impl<T: Member + Clone> Member for EncodedOnce<T> {
    fn is_omitted(&self) -> bool {
        (**self).is_omitted()
    }

    fn merge(&mut self, over: Self) {
        (**self).merge((*over).clone());
    }

    fn check_types(json: &Value, place: &mut Place, wrong: &mut Vec<WrongType>) {
        T::check_types(json, place, wrong);
    }

    fn fill_placeholders(&mut self, fill: &dyn Fn(&str) -> String) {
        if self.has_placeholder() {
            (**self).fill_placeholders(fill);
        }
    }

    fn has_placeholder(&self) -> bool {
        *self.0.has_placeholder.get_or_init(|| self.0.value.has_placeholder())
    }

    fn find_unknown(&self, place: &mut Place, found: &mut Vec<Place>) {
        (**self).find_unknown(place, found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::Seccomp;

    fn filter() -> Seccomp {
        let path = "/run/<a>&\u{2028}\"\\".to_owned();
        Seccomp {
            default_action: "SCMP_ACT_ALLOW".to_owned(),
            listener_path: path,
            ..Seccomp::default()
        }
    }

    #[test]
    fn its_json_is_that_of_the_value_at_each_writing() {
        let shared = EncodedOnce::new(filter());
        let other = shared.clone();
        for value in [&shared, &other, &shared] {
            assert_eq!(json::to_vec(value).unwrap(), json::to_vec(&filter()).unwrap());
            let value = serde_json::to_value(value).unwrap();
            assert_eq!(value, serde_json::to_value(filter()).unwrap());
        }
    }

    #[test]
    fn an_edit_changes_this_value_alone_and_its_json() {
        let shared = EncodedOnce::new(filter());
        let mut edited = shared.clone();
        let before = json::to_vec(&shared).unwrap();
        edited.listener_path.push_str("{x}");
        let again = edited.clone();
        edited.fill_placeholders(&|text| text.replace("{x}", "y"));
        assert_eq!(json::to_vec(&shared).unwrap(), before);
        for (value, path) in
            [(&again, "/run/<a>&\u{2028}\"\\{x}"), (&edited, "/run/<a>&\u{2028}\"\\y")]
        {
            assert_eq!(value.listener_path, path);
            assert_eq!(json::to_vec(value).unwrap(), json::to_vec(&**value).unwrap());
        }
    }

    #[test]
    fn a_value_without_a_placeholder_stays_shared() {
        let shared = EncodedOnce::new(filter());
        let mut other = shared.clone();
        other.fill_placeholders(&str::to_uppercase);
        assert!(Arc::ptr_eq(&shared.0, &other.0));
        other.listener_path.push('{');
        other.fill_placeholders(&str::to_uppercase);
        assert!(other.listener_path.starts_with("/RUN"));
    }
}
