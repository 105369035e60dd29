//! Messages of the API as protobuf's JSON, by their names.

use crate::api::pb::specd::DESCRIPTORS;
use crate::commands::Failure;
use crate::proto_json;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use prost::Message;
use prost_reflect::{DescriptorPool, MessageDescriptor};
use serde_json::{Value, json};

/// Reads a message, by its name in the package; an unknown field is an error.
///
/// # Errors
///
/// A sentence on what is wrong: the field, what it wants, the line and the column.
pub(super) fn parse<M: Message + Default>(name: &str, text: &str) -> Result<M, String> {
    let message = proto_json::parse(&descriptor(name)?, text)?;
    M::decode(message.encode_to_vec().as_slice()).map_err(|error| error.to_string())
}

/// Prints a message, by its name in the package. It must not hold an `Any`, see [`any`].
pub(super) fn print(name: &str, message: &impl Message) -> Result<Value, Failure> {
    let descriptor = descriptor(name).map_err(Failure::run)?;
    proto_json::print(descriptor, &message.encode_to_vec()).map_err(Failure::run)
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
    use crate::api::pb::specd::{GenerateRequest, SpecOptions};

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
    fn an_error_names_the_field_and_what_it_wants() {
        for (text, words) in [
            (r#"{"mounts":[{"destination":"/a"}]}"#, "mounts: expected an object with fields of "),
            (r#"{"mounts":[]}"#, ", found a list at line 1 column 10"),
            (
                r#"{"resources":{"memory":{"limit":"64m"}}}"#,
                "resources.memory.limit: expected a whole number without a unit, for example 67108864 for 64 MiB, found \"64m\" at line 1",
            ),
            (r#"{"process":{"env":["A=1",2]}}"#, "process.env[1]: expected a string, found 2"),
            (r#"{"process":{"env":"A=1"}}"#, "process.env: expected a list, each element a string"),
            (r#"{"annotations":{"a":1}}"#, "annotations[\"a\"]: expected a string, found 1"),
            (r#"{"hostnam":"a"}"#, "hostnam: unknown field, did you mean \"hostname\"?"),
            (r#"{"process":{"terminal":"yes"}}"#, "process.terminal: expected true or false"),
            ("[]", "expected an object with fields of "),
        ] {
            let error = parse::<SpecOptions>("SpecOptions", text).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
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
