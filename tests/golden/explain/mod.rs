//! Explain, over every golden request: the leaves are those of Generate's spec, each with its origin.

mod goldens;
mod origins;

use crate::support::golden_host::machine;
use crate::support::request_json;
use crate::support::service::{Fixture, IMAGE};
use specd::pb::specd::{self as pb, SpecService};
use std::path::{Path, PathBuf};
use tonic::{Request, Response, Status};

fn golden_directories() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/generate");
    let entries = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let mut directories: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    directories.sort();
    directories
}

/// The image of a golden directory, and the request.
fn golden(directory: &Path) -> (Fixture, pb::GenerateRequest) {
    let read = |name: &str| std::fs::read(directory.join(name)).ok();
    let config = read("image.json").unwrap();
    let fixture = Fixture::new(&config, read("passwd").as_deref(), read("group").as_deref())
        .on(machine(directory));
    (fixture, request_json::parse(std::str::from_utf8(&read("request.json").unwrap()).unwrap()))
}

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
