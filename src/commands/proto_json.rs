//! Messages of the API out of protobuf's JSON.

use crate::api::pb::specd::DESCRIPTORS;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage};

/// Reads a message, by its name in the package; a field that is not known is refused with its place.
///
/// # Errors
///
/// A sentence on what is wrong, with the line and the column.
pub(super) fn parse<M: Message + Default>(name: &str, text: &str) -> Result<M, String> {
    let pool = DescriptorPool::decode(DESCRIPTORS).map_err(|error| error.to_string())?;
    let descriptor = pool
        .get_message_by_name(&format!("specd.v1.{name}"))
        .ok_or_else(|| format!("the descriptors lack specd.v1.{name}"))?;
    let mut json = serde_json::Deserializer::from_str(text);
    let message = DynamicMessage::deserialize(descriptor, &mut json);
    let message = message.map_err(|error| error.to_string())?;
    json.end().map_err(|error| error.to_string())?;
    M::decode(message.encode_to_vec().as_slice()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::pb::specd::GenerateRequest;

    #[test]
    fn what_is_no_message_is_told_with_its_place() {
        assert_eq!(parse::<GenerateRequest>("GenerateRequest", "{\"id\": \"a\"}").unwrap().id, "a");
        for text in ["{\"id\": 7}", "{\"nonsense\": 1}", "{", "{} x"] {
            assert!(
                parse::<GenerateRequest>("GenerateRequest", text).unwrap_err().contains("line 1"),
                "{text}"
            );
        }
    }
}
