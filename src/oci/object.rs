//! The macro that makes a struct of the runtime spec out of the list of its fields.

/// Defines a struct with the fields of one object of the runtime spec, in Go's order: the name and the type in
/// Rust, and the name in JSON. `(always)` marks a field that Go writes even if it is empty.
macro_rules! object {
    (@omitted $value:expr, always) => { false };
    (@omitted $value:expr,) => { $crate::oci::Member::is_omitted($value) };
    ($(
        $(#[$about:meta])*
        $object:ident {
            $($(#[$doc:meta])* $field:ident: $type:ty = $name:literal $(($always:ident))?,)*
        }
    )*) => {$(
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Eq, Default)]
        pub struct $object {
            $(
                $(#[$doc])*
                #[doc = concat!("`", $name, "` of the runtime spec.")]
                pub $field: $type,
            )*
            /// The fields that the runtime spec 1.3 does not have.
            pub other: $crate::oci::types::Other,
        }

        impl $object {
            /// Replaces each field that `over` sets, as a whole. Returns their names in JSON.
            pub fn replace(&mut self, over: &Self) -> Vec<&'static str> {
                let (unset, mut names) = (Self::default(), Vec::new());
                $(
                    if over.$field != unset.$field {
                        self.$field.clone_from(&over.$field);
                        names.push($name);
                    }
                )*
                names
            }
        }

        impl serde::Serialize for $object {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap;
                let mut map = serializer.serialize_map(None)?;
                $(
                    if !$crate::oci::object!(@omitted &self.$field, $($always)?) {
                        map.serialize_entry($name, &self.$field)?;
                    }
                )*
                for (name, value) in &self.other {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }

        impl<'de> serde::Deserialize<'de> for $object {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Fields;
                impl<'de> serde::de::Visitor<'de> for Fields {
                    type Value = $object;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("an object")
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(
                        self,
                        mut map: A,
                    ) -> Result<$object, A::Error> {
                        let mut object = $object::default();
                        while let Some(name) = map.next_key::<String>()? {
                            match name.as_str() {
                                $($name => {
                                    object.$field = map.next_value::<Option<$type>>()?.unwrap_or_default();
                                })*
                                _ => {
                                    let value = map.next_value()?;
                                    object.other.insert(name, value);
                                }
                            }
                        }
                        Ok(object)
                    }
                }
                deserializer.deserialize_map(Fields)
            }
        }

        impl $crate::oci::Member for $object {
            fn is_omitted(&self) -> bool {
                false
            }

            fn merge(&mut self, over: Self) {
                $(
                    if !$crate::oci::Member::is_omitted(&over.$field) {
                        $crate::oci::Member::merge(&mut self.$field, over.$field);
                    }
                )*
                self.other.extend(over.other);
            }

            fn check_types(
                json: &serde_json::Value,
                place: &mut $crate::oci::Place,
                wrong: &mut Vec<$crate::oci::WrongType>,
            ) {
                $crate::oci::types::check(json.is_object() || json.is_null(), "an object", place, wrong);
                $(
                    if let Some(value) = json.get($name) {
                        place.enter($name, |place| {
                            <$type as $crate::oci::Member>::check_types(value, place, wrong);
                        });
                    }
                )*
                $crate::oci::types::check_case(json, &[$($name),*], place, wrong);
            }

            fn fill_placeholders(&mut self, fill: &dyn Fn(&str) -> String) {
                $($crate::oci::Member::fill_placeholders(&mut self.$field, fill);)*
                for value in self.other.values_mut() {
                    $crate::oci::Member::fill_placeholders(value, fill);
                }
            }

            fn has_placeholder(&self) -> bool {
                $($crate::oci::Member::has_placeholder(&self.$field))||*
                    || self.other.values().any($crate::oci::Member::has_placeholder)
            }

            fn find_unknown(
                &self,
                place: &mut $crate::oci::Place,
                found: &mut Vec<$crate::oci::Place>,
            ) {
                $(
                    place.enter($name, |place| {
                        $crate::oci::Member::find_unknown(&self.$field, place, found);
                    });
                )*
                for name in self.other.keys() {
                    place.enter(name.as_str(), |place| found.push(place.clone()));
                }
            }
        }
    )*};
}
pub(crate) use object;
