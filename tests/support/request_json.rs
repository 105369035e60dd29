//! Requests written in protobuf's JSON.

use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage};
use specd::pb::specd::{DESCRIPTORS, GenerateRequest};

/// The request that a text stands for.
pub fn parse(text: &str) -> GenerateRequest {
    let pool = DescriptorPool::decode(DESCRIPTORS).unwrap();
    let descriptor = pool.get_message_by_name("specd.v1.GenerateRequest").unwrap();
    let mut json = serde_json::Deserializer::from_str(text);
    let message = DynamicMessage::deserialize(descriptor, &mut json).unwrap();
    GenerateRequest::decode(message.encode_to_vec().as_slice()).unwrap()
}
