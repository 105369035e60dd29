//! Explain, over every golden request: the leaves are those of Generate's spec, each with its origin.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod goldens;
mod origins;
#[path = "../support/mod.rs"]
mod support;

use specd::api::pb::specd as pb;
use std::path::{Path, PathBuf};
use support::golden_host::machine;
use support::request_json;
use support::service::Fixture;

fn golden_directories() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let entries = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let mut directories: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    directories.sort();
    directories
}

/// The image of a golden directory, and the request.
fn golden(directory: &Path) -> (Fixture, pb::GenerateRequest) {
    let read = |name: &str| std::fs::read_to_string(directory.join(name)).ok();
    let config = read("image.json").unwrap();
    let fixture = Fixture::new(&config, read("passwd").as_deref(), read("group").as_deref())
        .on(machine(directory));
    (fixture, request_json::parse(&read("request.json").unwrap()))
}
