//! Golden specs: a directory a rule.
//!
//! `request.json` (the request in protobuf's JSON), `image.json` (the image's configuration), and, where
//! the image has them, `passwd` and `group` give `want.json`: the answer, or the error with its reason.
//! A host has the devices of `host.json`, in the form of `specd host-facts`, and the CDI specifications in
//! `cdi`, which it has in `/etc/cdi`, and in `cdi-run`, which it has in `/var/run/cdi`.
//! `BLESS=1` writes what is answered; read the difference before it is committed.
//!
//! In `process` a stored container (`container.json`, the spec, and `stored.json`, what is stored beside it) and a
//! request give the process of an exec; in `resources` a request gives limits.

use crate::support::golden_host::machine;
use crate::support::request_json;
use crate::support::service::Fixture;
use crate::support::tasks::Tasks;
use prost_types::Any;
use serde_json::{Value, json};
use specd::container::StoredContainer;
use specd::pb::specd as pb;
use specd::pb::specd::SpecService;
use specd::spec::encode::TYPE_URL;
use std::path::{Path, PathBuf};
use tonic::{Request, Status};
use tonic_types::StatusExt;

fn directories(root: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(root);
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
    let mut wrong = Vec::new();
    let directories = directories("generate");
    for directory in &directories {
        let read = |name: &str| std::fs::read_to_string(directory.join(name)).ok();
        let file = |name: &str| std::fs::read(directory.join(name)).ok();
        let config = file("image.json").unwrap();
        let fixture = Fixture::new(&config, file("passwd").as_deref(), file("group").as_deref())
            .on(machine(directory));
        let request = request_json::parse(&read("request.json").unwrap());

        let first = fixture.generate(request.clone()).await;
        let got = match &first {
            Ok(response) => answer(response),
            Err(status) => error(status),
        };
        if let (Ok(first), Ok(again)) = (&first, fixture.generate(request).await) {
            assert_eq!(first.spec, again.spec, "{}", directory.display());
        }

        wrong.extend(compare(directory, &got));
    }
    assert!(wrong.is_empty(), "BLESS=1 writes what is answered\n{}", wrong.join("\n"));
    assert!(directories.len() > 40, "goldens are missing");
}

/// What differs from what is wanted, unless it is to be written.
fn compare(directory: &Path, got: &Value) -> Option<String> {
    let path = directory.join("want.json");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, serde_json::to_string_pretty(got).unwrap() + "\n").unwrap();
        return None;
    }
    let want = std::fs::read_to_string(path).unwrap_or_default();
    let same = serde_json::from_str::<Value>(&want).ok().as_ref() == Some(got);
    (!same).then(|| format!("{}: {got:#}", directory.display()))
}

/// What is stored of a container: by the names of its fields, each as if nothing were unusual.
fn container(spec: String, stored: Option<String>) -> StoredContainer {
    let stored: Value = serde_json::from_str(&stored.unwrap_or("{}".to_owned())).unwrap();
    let text = |name: &str, usual: &str| stored[name].as_str().unwrap_or(usual).to_owned();
    StoredContainer {
        type_url: text("type_url", TYPE_URL),
        spec: spec.into_bytes(),
        snapshotter: text("snapshotter", "native"),
        snapshot_key: text("snapshot_key", "root"),
    }
}

fn part(name: &str, any: Option<Any>, warnings: &[String]) -> Value {
    let any = any.unwrap();
    let value: Value = serde_json::from_slice(&any.value).unwrap();
    json!({"type_url": any.type_url, name: value, "warnings": warnings})
}

#[tokio::test(flavor = "multi_thread")]
async fn every_rule_of_tasks_gives_what_is_wanted() {
    let mut wrong = Vec::new();
    let directories: Vec<PathBuf> =
        ["process", "resources"].into_iter().flat_map(directories).collect();
    for directory in &directories {
        let read = |name: &str| std::fs::read_to_string(directory.join(name)).ok();
        let file = |name: &str| std::fs::read(directory.join(name)).ok();
        let stored = read("container.json").map(|spec| container(spec, read("stored.json")));
        let tasks = Tasks::new(stored, file("passwd").as_deref(), file("group").as_deref());
        let request = read("request.json").unwrap();
        let answer = if directory.parent().unwrap().ends_with("process") {
            let request = request_json::parse_as("GenerateProcessRequest", &request);
            let answer = tasks.service.generate_process(Request::new(request)).await;
            answer.map(|answer| {
                let answer = answer.into_inner();
                part("process", answer.process, &answer.warnings)
            })
        } else {
            let request = request_json::parse_as("GenerateResourcesRequest", &request);
            let answer = tasks.service.generate_resources(Request::new(request)).await;
            answer.map(|answer| {
                let answer = answer.into_inner();
                part("resources", answer.resources, &answer.warnings)
            })
        };
        wrong.extend(compare(directory, &answer.unwrap_or_else(|status| error(&status))));
    }
    assert!(wrong.is_empty(), "BLESS=1 writes what is answered\n{}", wrong.join("\n"));
    assert!(directories.len() > 20, "goldens are missing");
}
