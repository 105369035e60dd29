//! Messages as protobuf's JSON, by their descriptors.

use crate::domain::similar::similar;
use prost_reflect::{DynamicMessage, Kind, MessageDescriptor};
use serde_json::Value;
use std::str::FromStr;

/// Reads a message; an unknown field is an error.
///
/// # Errors
///
/// A sentence on what is wrong: the field, what it wants, the line and the column.
pub(crate) fn parse(descriptor: &MessageDescriptor, text: &str) -> Result<DynamicMessage, String> {
    let mut json = serde_json::Deserializer::from_str(text);
    let message = DynamicMessage::deserialize(descriptor.clone(), &mut json);
    let message = message.map_err(|error| {
        let error = error.to_string();
        let json = serde_json::from_str(text).ok();
        match (
            json.and_then(|json| find_wrong(&json, descriptor, "")),
            error.split_once(" at line"),
        ) {
            (Some(wrong), Some((_, position))) => format!("{wrong} at line{position}"),
            (Some(wrong), None) => wrong,
            (None, _) => error,
        }
    })?;
    json.end().map_err(|error| error.to_string())?;
    Ok(message)
}

/// Prints an encoded message. It must not hold an `Any` of a type that has no
/// descriptor.
///
/// # Errors
///
/// A sentence on what cannot be decoded or printed.
pub(crate) fn print(descriptor: MessageDescriptor, bytes: &[u8]) -> Result<Value, String> {
    let message = DynamicMessage::decode(descriptor, bytes).map_err(|error| error.to_string())?;
    serde_json::to_value(message).map_err(|error| error.to_string())
}

/// The first value that its field cannot have, with what the field wants.
fn find_wrong(json: &Value, message: &MessageDescriptor, place: &str) -> Option<String> {
    // These have forms of their own in JSON.
    if message.full_name().starts_with("google.protobuf.") {
        return None;
    }
    let names = || message.fields().map(|field| field.json_name().to_owned());
    let Value::Object(members) = json else {
        let names = names().collect::<Vec<_>>().join(", ");
        return Some(unexpected(json, place, &format!("an object with fields of {names}")));
    };
    members.iter().find_map(|(key, value)| {
        let place = if place.is_empty() { key.clone() } else { format!("{place}.{key}") };
        let known = message.get_field_by_json_name(key).or_else(|| message.get_field_by_name(key));
        let Some(field) = known else {
            let names: Vec<String> = names().collect();
            let near = similar(key, names.iter().map(String::as_str), |name| name, 1);
            let known = match near.first() {
                Some(near) => format!("did you mean {near:?}?"),
                None if names.is_empty() => "the message has no fields".to_owned(),
                None => format!("known are {}", names.join(", ")),
            };
            return Some(format!("{place}: unknown field, {known}"));
        };
        let kind = field.kind();
        if value.is_null() {
            None
        } else if field.is_list() {
            let Value::Array(list) = value else {
                let wanted = format!("a list, each element {}", wanted(&kind));
                return Some(unexpected(value, &place, &wanted));
            };
            list.iter().enumerate().find_map(|(index, value)| {
                find_wrong_value(value, &kind, &format!("{place}[{index}]"))
            })
        } else if field.is_map() {
            let Value::Object(entries) = value else {
                return Some(unexpected(value, &place, "an object"));
            };
            let kind = kind.as_message()?.map_entry_value_field().kind();
            entries.iter().find_map(|(key, value)| {
                find_wrong_value(value, &kind, &format!("{place}[{key:?}]"))
            })
        } else {
            find_wrong_value(value, &kind, &place)
        }
    })
}

fn find_wrong_value(value: &Value, kind: &Kind, place: &str) -> Option<String> {
    let fits = match kind {
        Kind::Message(message) => return find_wrong(value, message, place),
        Kind::Bool => value.is_boolean(),
        Kind::String | Kind::Bytes => value.is_string(),
        Kind::Double | Kind::Float => value.is_number() || parses::<f64>(value),
        Kind::Enum(values) => {
            value.as_str().is_none_or(|name| values.get_value_by_name(name).is_some())
        }
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => fits_in::<i32>(value),
        Kind::Uint32 | Kind::Fixed32 => fits_in::<u32>(value),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => fits_in::<i64>(value),
        Kind::Uint64 | Kind::Fixed64 => fits_in::<u64>(value),
    };
    (!fits).then(|| unexpected(value, place, &wanted(kind)))
}

/// protobuf's JSON takes numbers also as strings.
fn fits_in<T: FromStr>(value: &Value) -> bool {
    parses::<T>(value)
        || value.as_number().is_some_and(|number| number.to_string().parse::<T>().is_ok())
}

fn parses<T: FromStr>(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.parse::<T>().is_ok())
}

/// What a field of a kind wants.
fn wanted(kind: &Kind) -> String {
    match kind {
        Kind::Message(message) => {
            let names: Vec<String> =
                message.fields().map(|field| field.json_name().to_owned()).collect();
            format!("an object with fields of {}", names.join(", "))
        }
        Kind::Bool => "true or false".to_owned(),
        Kind::String => "a string".to_owned(),
        Kind::Bytes => "a string in base64".to_owned(),
        Kind::Double | Kind::Float => "a number".to_owned(),
        Kind::Enum(values) => {
            let names: Vec<String> = values.values().map(|value| value.name().to_owned()).collect();
            format!("one of {}", names.join(", "))
        }
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => "a whole number of 32 bits".to_owned(),
        Kind::Uint32 | Kind::Fixed32 => "a whole number from 0 to 4294967295".to_owned(),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 | Kind::Uint64 | Kind::Fixed64 => {
            "a whole number without a unit, for example 67108864 for 64 MiB".to_owned()
        }
    }
}

fn unexpected(value: &Value, place: &str, wanted: &str) -> String {
    let found = match value {
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        scalar @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
            scalar.to_string()
        }
    };
    let colon = if place.is_empty() { "" } else { ": " };
    format!("{place}{colon}expected {wanted}, found {found}")
}
