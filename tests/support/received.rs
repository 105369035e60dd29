//! `Generate` with a request in bytes, as the transport receives it: the way that knows templates.

use prost::Message as _;
use specd::api::Service;
use specd::api::codec::Received;
use specd::api::pb::specd::{GenerateRequest, GenerateResponse};
use tonic::{Request, Status};

/// Calls Generate, and decodes the answer.
pub(crate) async fn generate(
    service: &Service,
    request: &GenerateRequest,
) -> Result<GenerateResponse, Status> {
    let received = Received::new(request.encode_to_vec().into());
    let answer = service.generate_received(Request::new(received)).await?.into_inner();
    let mut encoded = Vec::new();
    answer.encode(&mut encoded)?;
    Ok(GenerateResponse::decode(&*encoded).unwrap())
}
