//! Every list, map and text of the API's requests, found in its descriptors, and requests that fill one of them.

#![allow(dead_code, reason = "each test binary makes some of the requests")]

use crate::support::layout::IMAGE;
use prost_reflect::{
    Cardinality, DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor,
    Value,
};
use specd::api::bounds::find_bound;
use specd::api::pb::specd::DESCRIPTORS;
use specd::domain::limits::Bound;
use std::collections::HashMap;
use std::sync::LazyLock;

static POOL: LazyLock<DescriptorPool> =
    LazyLock::new(|| DescriptorPool::decode(DESCRIPTORS).unwrap());

/// A list, a map or a text of a request.
#[derive(Clone)]
pub(crate) struct ApiField {
    /// The request that it is in.
    pub(crate) request: MessageDescriptor,
    /// The fields on the way to it, itself last.
    way: Vec<FieldDescriptor>,
}

/// All of them. A field with a type that several fields have is there once for each.
pub(crate) fn all() -> Vec<ApiField> {
    let mut found = Vec::new();
    for name in ["GenerateRequest", "GenerateProcessRequest", "GenerateResourcesRequest"] {
        let request = POOL.get_message_by_name(&format!("specd.v1.{name}")).unwrap();
        walk(&request, &request, &mut Vec::new(), &mut found);
    }
    found
}

fn walk(
    request: &MessageDescriptor,
    message: &MessageDescriptor,
    way: &mut Vec<FieldDescriptor>,
    found: &mut Vec<ApiField>,
) {
    for field in message.fields() {
        way.push(field.clone());
        let is_text = matches!(field.kind(), Kind::String | Kind::Bytes);
        if is_text || field.cardinality() == Cardinality::Repeated {
            found.push(ApiField { request: request.clone(), way: way.clone() });
        }
        if let (Kind::Message(inner), false) = (field.kind(), field.is_map()) {
            walk(request, &inner, way, found);
        }
        way.pop();
    }
}

impl ApiField {
    fn last(&self) -> &FieldDescriptor {
        self.way.last().unwrap()
    }

    /// The name in the table of bounds: of a list that can be absent, the field that has it.
    pub(crate) fn name(&self) -> String {
        let list = self.last().parent_message().name() == "StringList";
        let field = if list { &self.way[self.way.len() - 2] } else { self.last() };
        format!("{}.{}", field.parent_message().name(), field.name())
    }

    /// The name in violations, for a request that [`Self::with`] makes.
    pub(crate) fn path(&self) -> String {
        let (last, before) = self.way.split_last().unwrap();
        let parts = before.iter().map(|field| {
            let index = if field.is_list() { "[0]" } else { "" };
            format!("{}{index}.", field.name())
        });
        parts.collect::<String>() + last.name()
    }

    /// Whether this is a list or a map.
    pub(crate) fn has_elements(&self) -> bool {
        self.last().is_list() || self.last().is_map()
    }

    /// The bound that the server checks.
    pub(crate) fn bound(&self) -> Bound {
        let name = self.name();
        let (message, field) = name.split_once('.').unwrap();
        find_bound(message, field).unwrap_or_else(|| panic!("{name} has no bound"))
    }

    /// The most elements that this may have; of a text one.
    pub(crate) fn most_elements(&self) -> usize {
        match self.bound() {
            Bound::List(most) | Bound::Texts(most, _) | Bound::Map(most, _) => most,
            Bound::Text(_) | Bound::Json(_) => 1,
        }
    }

    /// A request with so many elements in the list or map, each with a text of its own.
    pub(crate) fn with_elements(
        &self,
        count: usize,
        text: &dyn Fn(usize) -> String,
    ) -> DynamicMessage {
        let last = self.last();
        let value = if last.is_map() {
            let Kind::Message(entry) = last.kind() else { unreachable!() };
            let value = entry.map_entry_value_field().kind();
            let entry = |at| (MapKey::String(text(at)), element(&value, at, text));
            Value::Map((0..count).map(entry).collect::<HashMap<_, _>>())
        } else {
            Value::List((0..count).map(|at| element(&last.kind(), at, text)).collect())
        };
        self.with(value)
    }

    /// A request with this text: alone, or as the only element, or as key and value.
    pub(crate) fn with_text(&self, text: &str) -> Option<DynamicMessage> {
        let last = self.last();
        let given = || Value::String(text.to_owned());
        if last.is_map() {
            return Some(self.with_elements(1, &|_| text.to_owned()));
        }
        let value = if last.is_list() { Value::List(vec![given()]) } else { given() };
        (last.kind() == Kind::String).then(|| self.with(value))
    }

    fn with(&self, value: Value) -> DynamicMessage {
        let mut message = set(&self.request, &self.way, value);
        for (name, text) in [("image", IMAGE), ("namespace", "ns"), ("id", "c")] {
            if let Some(field) = self.request.get_field_by_name(name)
                && !message.has_field(&field)
            {
                message.set_field(&field, Value::String(text.to_owned()));
            }
        }
        message
    }
}

/// A text for an element, of a form that gets the request as far as possible.
pub(crate) fn element_text(field: &ApiField, at: usize) -> String {
    match field.name().as_str() {
        "ProcessOptions.env" | "Hook.env" => format!("K{at:05}=v"),
        name if name.starts_with("CapabilityOptions.") => "ALL".to_owned(),
        "SecurityOptions.sysctl" => format!("net.ipv4.k{at:05}"),
        "ResourceOptions.unified" => format!("memory.k{at:05}"),
        "NamespaceOptions.net_devices" | "NetworkResources.priorities" => format!("eth{at:05}"),
        "UserOptions.additional_groups" => format!("1{at:05}"),
        "SpecOptions.cdi_devices" => format!("vendor.com/class=d{at:05}"),
        "RdtResources.schemata" => format!("L3:{at:05}=f"),
        "DeviceOptions.rules" | "HostDevice.permissions" => "rw".to_owned(),
        "Mount.options" | "TmpfsMount.options" => format!("o{at:05}"),
        _ => format!("/k{at:05}"),
    }
}

fn set(message: &MessageDescriptor, way: &[FieldDescriptor], value: Value) -> DynamicMessage {
    let mut made = DynamicMessage::new(message.clone());
    let (field, rest) = way.split_first().unwrap();
    let value = if let (Kind::Message(inner), false) = (field.kind(), rest.is_empty()) {
        let inner = Value::Message(set(&inner, rest, value));
        if field.is_list() { Value::List(vec![inner]) } else { inner }
    } else {
        value
    };
    made.set_field(field, value);
    made
}

/// An element of a list, with every number and text in it.
fn element(kind: &Kind, at: usize, text: &dyn Fn(usize) -> String) -> Value {
    let number = u32::try_from(at).unwrap() + 1;
    match kind {
        Kind::Message(message) => {
            let mut made = DynamicMessage::new(message.clone());
            for field in message.fields().filter(|field| !field.is_list() && !field.is_map()) {
                if !matches!(field.kind(), Kind::Message(_)) {
                    made.set_field(&field, element(&field.kind(), at, text));
                }
            }
            Value::Message(made)
        }
        Kind::String => Value::String(text(at)),
        Kind::Bytes => Value::Bytes(text(at).into()),
        Kind::Bool => Value::Bool(true),
        Kind::Enum(_) => Value::EnumNumber(2),
        Kind::Uint32 | Kind::Fixed32 => Value::U32(number),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(number.into()),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(number.into()),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(number.try_into().unwrap()),
        Kind::Float => Value::F32(0.0),
        Kind::Double => Value::F64(0.0),
    }
}
