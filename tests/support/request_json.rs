//! Requests written in protobuf's JSON.

use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage};
use specd::api::pb::specd::{DESCRIPTORS, GenerateRequest};
use std::sync::LazyLock;

/// The request that a text stands for.
pub(crate) fn parse(text: &str) -> GenerateRequest {
    parse_as("GenerateRequest", text)
}

/// The message of this name that a text stands for.
pub(crate) fn parse_as<M: Message + Default>(name: &str, text: &str) -> M {
    static POOL: LazyLock<DescriptorPool> =
        LazyLock::new(|| DescriptorPool::decode(DESCRIPTORS).unwrap());
    let descriptor = POOL.get_message_by_name(&format!("specd.v1.{name}")).unwrap();
    let mut json = serde_json::Deserializer::from_str(text);
    let message = DynamicMessage::deserialize(descriptor, &mut json).unwrap();
    M::decode(message.encode_to_vec().as_slice()).unwrap()
}
