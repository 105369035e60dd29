//! Golden specs: a directory a rule.
//!
//! `request.json` (the request in protobuf's JSON), `image.json` (the image's configuration), and, where
//! the image has them, `passwd` and `group` give `want.json`: the answer, or the error with its reason.
//! A host has the devices of `host.json`, in the form of `specd host-facts`, and the CDI specifications in
//! `cdi`, which it has in `/etc/cdi`, and in `cdi-run`, which it has in `/var/run/cdi`.
//! `BLESS=1` writes what is answered; read the difference before it is committed.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use async_trait::async_trait;
use serde_json::{Value, json};
use specd::domain::cdi_files::CdiFiles;
use specd::domain::host_facts::HostFacts;
use specd::generate::Machine;
use specd::host::cdi_directories::CdiDirectories;
use specd::host::source::CdiSource;
use specd::host::stated::{self, Stated};
use specd::pb::specd as pb;
use std::path::{Path, PathBuf};
use std::sync::Arc;
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

/// Specifications of a golden directory, under the paths that a host has.
struct Cdi(PathBuf);

#[async_trait]
impl CdiSource for Cdi {
    async fn files(&self) -> CdiFiles {
        let shown = [("cdi", "/etc/cdi"), ("cdi-run", "/var/run/cdi")];
        let here = shown.map(|(name, _)| self.0.join(name));
        let mut files = CdiDirectories::new(here.to_vec()).read();
        let renamed = |path: &str| {
            let of = shown.iter().zip(&here);
            let mut of = of.filter_map(|((_, to), from)| {
                Some(format!("{to}{}", path.strip_prefix(from.to_str()?)?))
            });
            of.next_back().unwrap()
        };
        files.directories = shown.map(|(_, to)| to.to_owned()).to_vec();
        for file in &mut files.files {
            file.path = renamed(&file.path);
        }
        files
    }
}

/// The host of a golden directory.
fn machine(directory: &Path) -> Machine {
    let text = std::fs::read_to_string(directory.join("host.json"));
    let facts = stated::parse(text.as_deref().unwrap_or("{}"), HostFacts::default()).unwrap();
    Machine {
        devices: Arc::new(Stated::new(facts.devices.unwrap_or_default())),
        cdi: Arc::new(Cdi(directory.to_owned())),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_rule_gives_what_is_wanted() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut wrong = Vec::new();
    let directories = directories();
    for directory in &directories {
        let read = |name: &str| std::fs::read_to_string(directory.join(name)).ok();
        let config = read("image.json").unwrap();
        let fixture = Fixture::new(&config, read("passwd").as_deref(), read("group").as_deref())
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
