//! A value that many specs share, with its JSON, which is written once.

use crate::oci::place::Place;
use crate::oci::{Member, WrongType, json};
use serde::de::Deserializer;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

/// A shared value. It is not edited in place, so that its JSON stays true.
pub struct EncodedOnce<T>(Arc<Inner<T>>);

struct Inner<T> {
    value: T,
    /// The JSON in Go's form, once the value was written.
    json: OnceLock<Option<Box<RawValue>>>,
}

impl<T> EncodedOnce<T> {
    /// Shares a value.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self(Arc::new(Inner { value, json: OnceLock::new() }))
    }
}

impl<T: Serialize> Serialize for EncodedOnce<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
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

/// The value is replaced as a whole.
impl<T: Member + Clone> Member for EncodedOnce<T> {
    fn is_omitted(&self) -> bool {
        (**self).is_omitted()
    }

    fn merge(&mut self, over: Self) {
        *self = over;
    }

    fn check_types(json: &Value, place: &mut Place, wrong: &mut Vec<WrongType>) {
        T::check_types(json, place, wrong);
    }

    fn edit_strings(&mut self, edit: &mut dyn FnMut(&mut String)) {
        let mut value = (**self).clone();
        value.edit_strings(edit);
        *self = Self::new(value);
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
        for _ in 0..2 {
            assert_eq!(json::to_vec(&shared).unwrap(), json::to_vec(&filter()).unwrap());
            let value = serde_json::to_value(&shared).unwrap();
            assert_eq!(value, serde_json::to_value(filter()).unwrap());
        }
    }

    #[test]
    fn an_edit_changes_the_json_of_this_value_alone() {
        let shared = EncodedOnce::new(filter());
        let before = json::to_vec(&shared).unwrap();
        let mut edited = shared.clone();
        edited.edit_strings(&mut |text| text.push('x'));
        assert_eq!(json::to_vec(&shared).unwrap(), before);
        assert_eq!(json::to_vec(&edited).unwrap(), json::to_vec(&*edited).unwrap());
        assert_ne!(edited, shared);
    }
}
