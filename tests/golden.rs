//! Golden specs: a directory a rule.
//!
//! `request.json` (the request in protobuf's JSON), `image.json` (the image's configuration), and, where
//! the image has them, `passwd` and `group` give `want.json`: the answer, or the error with its reason.
//! `BLESS=1` writes what is answered; read the difference before it is committed.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use serde_json::{Value, json};
use specd::pb::specd as pb;
use std::path::{Path, PathBuf};
use support::request_json;
use support::service::Fixture;
use tonic::Status;
use tonic_types::StatusExt;

fn directories() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let entries = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let mut directories: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    directories.sort();
    directories
}

fn answer(response: &pb::GenerateResponse) -> Value {
    let spec = response.spec.as_ref().unwrap();
    let image = response.image.as_ref().unwrap();
    let labels: std::collections::BTreeMap<_, _> = image.labels.iter().collect();
    json!({
        "type_url": spec.type_url,
        "spec": serde_json::from_slice::<Value>(&spec.value).unwrap(),
        "image": {
            "exposed_ports": image.exposed_ports,
            "volumes": image.volumes,
            "stop_signal": image.stop_signal,
            "labels": labels,
        },
        "warnings": response.warnings,
    })
}

fn error(status: &Status) -> Value {
    let violations: Vec<Value> = status
        .get_details_bad_request()
        .map(|details| details.field_violations)
        .unwrap_or_default()
        .into_iter()
        .map(|violation| json!({ violation.field: violation.description }))
        .collect();
    json!({
        "code": format!("{:?}", status.code()),
        "reason": status.get_details_error_info().unwrap().reason,
        "message": status.message(),
        "violations": violations,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn every_rule_gives_what_is_wanted() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut wrong = Vec::new();
    let directories = directories();
    for directory in &directories {
        let read = |name: &str| std::fs::read_to_string(directory.join(name)).ok();
        let config = read("image.json").unwrap();
        let fixture = Fixture::new(&config, read("passwd").as_deref(), read("group").as_deref());
        let request = request_json::parse(&read("request.json").unwrap());

        let first = fixture.generate(request.clone()).await;
        let got = match &first {
            Ok(response) => answer(response),
            Err(status) => error(status),
        };
        if let (Ok(first), Ok(again)) = (&first, fixture.generate(request).await) {
            assert_eq!(first.spec, again.spec, "{}", directory.display());
        }

        if bless {
            let text = serde_json::to_string_pretty(&got).unwrap() + "\n";
            std::fs::write(directory.join("want.json"), text).unwrap();
        } else if serde_json::from_str(&read("want.json").unwrap_or_default()).ok()
            != Some(got.clone())
        {
            wrong.push(format!("{}: {got:#}", directory.display()));
        }
    }
    assert!(wrong.is_empty(), "BLESS=1 writes what is answered\n{}", wrong.join("\n"));
    assert!(directories.len() > 40, "goldens are missing");
}
