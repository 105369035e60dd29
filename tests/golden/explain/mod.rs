//! Explain, over every golden request: the leaves are those of Generate's spec, each with its origin.

mod goldens;
mod origins;

use crate::support::service::{Fixture, IMAGE};
use specd::api::pb::specd::{self as pb, SpecService};
use tonic::{Request, Response, Status};

/// Explains what a request gives.
async fn explain(
    fixture: &Fixture,
    mut request: pb::GenerateRequest,
) -> Result<pb::ExplainResponse, Status> {
    if request.image.is_empty() {
        IMAGE.clone_into(&mut request.image);
    }
    let request = Request::new(pb::ExplainRequest { request: Some(request) });
    fixture.service().explain(request).await.map(Response::into_inner)
}
