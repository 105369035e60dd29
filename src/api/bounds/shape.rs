//! The messages of the API with the bounds of their fields, read from the descriptors.

use crate::api::pb::specd::DESCRIPTORS;
use crate::domain::limits::{API, Bound, ELEMENTS, TEXT};
use prost::Message;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, EnumValueDescriptorProto, FieldDescriptorProto,
    FileDescriptorSet,
};
use std::collections::HashMap;
use std::sync::LazyLock;

/// The messages by name.
static MESSAGES: LazyLock<HashMap<String, Shape>> = LazyLock::new(|| {
    let set = FileDescriptorSet::decode(DESCRIPTORS).unwrap_or_default();
    let enums = set.file.iter().flat_map(|file| &file.enum_type);
    let enums = enums.map(|one| (one.name(), one)).collect();
    let messages = set.file.iter().flat_map(|file| &file.message_type);
    messages.map(|message| (message.name().to_owned(), Shape::of(message, &enums))).collect()
});

/// The message of a name.
pub(super) fn find(name: &str) -> Option<&'static Shape> {
    MESSAGES.get(name)
}

/// What is known of the fields of a message, by number.
pub(super) struct Shape(pub(super) HashMap<u64, Field>);

/// A field of a message.
pub(super) struct Field {
    pub(super) name: String,
    pub(super) repeated: bool,
    pub(super) kind: Kind,
    pub(super) bound: Option<Bound>,
}

/// The type of a field.
pub(super) enum Kind {
    Number,
    /// An enum, with its values.
    Enum(Vec<(i32, String)>),
    Text,
    Message(String),
    /// The entry of a map; the message that is its value, if it is one.
    Entry(Option<String>),
}

impl Shape {
    fn of(message: &DescriptorProto, enums: &Enums<'_>) -> Self {
        let field = |field: &FieldDescriptorProto| {
            let (name, repeated) = (field.name().to_owned(), field.label() == Label::Repeated);
            let kind = kind(message, field, enums);
            let bound = bound(message.name(), &name, usual_bound(&kind, repeated));
            let number = u64::from(field.number().unsigned_abs());
            (number, Field { name, repeated, kind, bound })
        };
        Self(message.field.iter().map(field).collect())
    }
}

/// A list of texts that can be absent: the field that has it gives its bound.
const TEXTS: &str = "StringList";

/// The bound of a field of this type. A single number or message has none.
fn usual_bound(kind: &Kind, repeated: bool) -> Option<Bound> {
    match kind {
        Kind::Entry(_) => Some(Bound::Map(ELEMENTS, TEXT)),
        Kind::Message(name) if name == TEXTS => Some(Bound::Texts(ELEMENTS, TEXT)),
        Kind::Text if repeated => Some(Bound::Texts(ELEMENTS, TEXT)),
        Kind::Text => Some(Bound::Text(TEXT)),
        Kind::Message(_) | Kind::Number | Kind::Enum(_) => {
            repeated.then_some(Bound::List(ELEMENTS))
        }
    }
}

/// The bound of a field that has one by its type: its own, or that of its message, or the usual one.
fn bound(message: &str, field: &str, usual: Option<Bound>) -> Option<Bound> {
    let usual = usual.filter(|_| message != TEXTS)?;
    let find = |path: &str| API.iter().find(|(name, _)| *name == path).map(|(_, bound)| *bound);
    Some(find(&format!("{message}.{field}")).or_else(|| find(message)).unwrap_or(usual))
}

/// The enums of the API by name.
type Enums<'a> = HashMap<&'a str, &'a EnumDescriptorProto>;

fn kind(message: &DescriptorProto, field: &FieldDescriptorProto, enums: &Enums<'_>) -> Kind {
    let last = |field: &FieldDescriptorProto| {
        field.type_name().rsplit('.').next().unwrap_or_default().to_owned()
    };
    if matches!(field.r#type(), Type::String | Type::Bytes) {
        return Kind::Text;
    }
    let name = last(field);
    if let Some(values) = enums.get(name.as_str()).filter(|_| field.r#type() == Type::Enum) {
        let value = |value: &EnumValueDescriptorProto| (value.number(), value.name().to_owned());
        return Kind::Enum(values.value.iter().map(value).collect());
    }
    if field.r#type() != Type::Message {
        return Kind::Number;
    }
    let Some(entry) = message.nested_type.iter().find(|nested| nested.name() == name) else {
        return Kind::Message(name);
    };
    let value = entry.field.iter().find(|field| field.number() == 2);
    Kind::Entry(value.filter(|value| value.r#type() == Type::Message).map(last))
}
