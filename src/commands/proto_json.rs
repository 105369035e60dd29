//! Messages of the API as protobuf's JSON.

use crate::api::pb::specd::DESCRIPTORS;
use crate::commands::Failure;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use serde_json::{Value, json};

/// Reads a message, by its name in the package; an unknown field is an error.
///
/// # Errors
///
/// A sentence on what is wrong, with the line and the column.
pub(super) fn parse<M: Message + Default>(name: &str, text: &str) -> Result<M, String> {
    let mut json = serde_json::Deserializer::from_str(text);
    let message = DynamicMessage::deserialize(descriptor(name)?, &mut json);
    let message = message.map_err(|error| error.to_string())?;
    json.end().map_err(|error| error.to_string())?;
    M::decode(message.encode_to_vec().as_slice()).map_err(|error| error.to_string())
}

/// Prints a message, by its name in the package. It must not hold an `Any`, see [`any`].
pub(super) fn print(name: &str, message: &impl Message) -> Result<Value, Failure> {
    let bytes = message.encode_to_vec();
    let message = DynamicMessage::decode(descriptor(name).map_err(Failure::run)?, &*bytes);
    serde_json::to_value(message.map_err(Failure::run)?).map_err(Failure::run)
}

/// Prints an `Any`. Those of containerd hold JSON, and protobuf's JSON has only a form for protobuf messages.
pub(super) fn any(any: &prost_types::Any) -> Value {
    json!({ "typeUrl": any.type_url, "value": STANDARD.encode(&any.value) })
}

fn descriptor(name: &str) -> Result<MessageDescriptor, String> {
    let pool = DescriptorPool::decode(DESCRIPTORS).map_err(|error| error.to_string())?;
    let message = pool.get_message_by_name(&format!("specd.v1.{name}"));
    message.ok_or_else(|| format!("the descriptors have no specd.v1.{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::pb::specd::GenerateRequest;

    #[test]
    fn an_error_names_the_place() {
        assert_eq!(parse::<GenerateRequest>("GenerateRequest", "{\"id\": \"a\"}").unwrap().id, "a");
        for text in ["{\"id\": 7}", "{\"nonsense\": 1}", "{", "{} x"] {
            assert!(
                parse::<GenerateRequest>("GenerateRequest", text).unwrap_err().contains("line 1"),
                "{text}"
            );
        }
    }

    #[test]
    fn messages_are_printed_as_they_are_parsed() {
        let request = GenerateRequest { snapshot_key: "k".to_owned(), ..Default::default() };
        let json = print("GenerateRequest", &request).unwrap();
        assert_eq!(json, json!({"snapshotKey": "k"}));
        assert_eq!(parse("GenerateRequest", &json.to_string()), Ok(request));
    }
}
