//! Converts messages that have the fields of a struct of the runtime spec, each field by its types.

use std::collections::BTreeMap;

/// What a field of a message becomes.
pub(super) trait Convert<T> {
    fn convert(self) -> T;
}

/// Types of the same values, or of more.
macro_rules! widen {
    ($($from:ty => $to:ty),* $(,)?) => {$(
        impl Convert<$to> for $from {
            fn convert(self) -> $to {
                self.into()
            }
        }
    )*};
}
widen!(bool => bool, i32 => i32, i64 => i64, u32 => u32, u64 => u64, String => String, i32 => i64, u32 => u64);

impl Convert<String> for Option<String> {
    fn convert(self) -> String {
        self.unwrap_or_default()
    }
}

impl Convert<bool> for Option<bool> {
    fn convert(self) -> bool {
        self.unwrap_or_default()
    }
}

impl<A: Convert<B>, B> Convert<Option<B>> for Option<A> {
    fn convert(self) -> Option<B> {
        self.map(Convert::convert)
    }
}

impl<A: Convert<B>, B> Convert<Vec<B>> for Vec<A> {
    fn convert(self) -> Vec<B> {
        self.into_iter().map(Convert::convert).collect()
    }
}

impl<A: Convert<B>, B> Convert<BTreeMap<String, B>> for BTreeMap<String, A> {
    fn convert(self) -> BTreeMap<String, B> {
        self.into_iter().map(|(key, value)| (key, value.convert())).collect()
    }
}

/// Converts messages to structs: every field of the message, with the name in the struct where it is another one.
macro_rules! convert {
    ($($message:ident => $object:ident { $($from:ident $(: $to:ident)?),* $(,)? })*) => {$(
        impl $crate::api::request::convert::Convert<$object> for $crate::api::pb::specd::$message {
            fn convert(self) -> $object {
                let Self { $($from $(: $to)?),* } = self;
                let mut object = $object::default();
                $($crate::api::request::convert::convert!(@set object $from $($to)?);)*
                object
            }
        }
    )*};
    (@set $object:ident $from:ident) => { $object.$from = $from.convert() };
    (@set $object:ident $from:ident $to:ident) => { $object.$to = $to.convert() };
}

pub(super) use convert;
