//! Golden answers: each case is answered as it wants.
//!
//! `support::golden` says what a case is. `BLESS=1` writes what is answered; read the difference before it is committed.

use crate::bless;
use crate::support::go_json::escaped;
use crate::support::golden::{Case, case, cases};
use crate::support::service::with_image;
use crate::support::{received, request_json};
use prost_types::Any;
use serde_json::{Value, json};
use specd::api::pb::specd as pb;
use specd::api::pb::specd::SpecService;
use specd::generate::stage::{Observer, Stage};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tonic::{Request, Status};
use tonic_types::StatusExt;

/// The newest releases, which the profiles `containerd` and `docker` are.
const NEWEST_CONTAINERD: &str = "containerd-2.4";
const NEWEST_DOCKER: &str = "docker-29";

/// The JSON of an answer, which is in Go's form: reading and writing it gives the same bytes.
fn read(any: Option<&Any>) -> Value {
    let text = std::str::from_utf8(&any.unwrap().value).unwrap();
    let value: Value = serde_json::from_str(text).unwrap();
    assert_eq!(escaped(&value.to_string()), text);
    value
}

/// The encoding JSON gives the value of the Any, and no Any.
fn same_text(any: Option<&Any>, no_any: Option<&Any>, json: &str) {
    assert_eq!(no_any, None);
    assert_eq!(std::str::from_utf8(&any.unwrap().value).unwrap(), json);
}

fn answer(response: &pb::GenerateResponse) -> Value {
    let image = response.image.as_ref().unwrap();
    let mut facts = json!({
        "exposed_ports": image.exposed_ports,
        "volumes": image.volumes,
    });
    if let Some(seconds) = image.stop_timeout {
        facts["stop_timeout"] = seconds.into();
    }
    if let Some(check) = &image.healthcheck {
        let shown = |duration: Option<prost_types::Duration>| duration.map(|it| it.to_string());
        facts["healthcheck"] = json!({
            "test": check.test,
            "interval": shown(check.interval),
            "timeout": shown(check.timeout),
            "start_period": shown(check.start_period),
            "start_interval": shown(check.start_interval),
            "retries": check.retries,
        });
    }
    let container = response.container.as_ref().unwrap();
    let (runtime, snapshot) = (container.runtime.as_ref(), container.snapshot.as_ref());
    let options = runtime.unwrap().options.as_ref().unwrap();
    assert_eq!(options.type_url, "containerd.runc.v1.Options");
    json!({
        "type_url": response.spec.as_ref().unwrap().type_url,
        "spec": read(response.spec.as_ref()),
        "container": {
            "labels": container.labels,
            "runtime": {"name": runtime.unwrap().name, "options": hex::encode(&options.value)},
            "snapshot": {"snapshotter": snapshot.unwrap().snapshotter, "labels": snapshot.unwrap().labels},
            "terminal": container.terminal,
        },
        "image": facts,
        "warnings": response.warnings,
    })
}

/// A process: what no option has changed has the text, white space included, that is stored of the container.
fn process(response: &pb::GenerateProcessResponse) -> Value {
    let any = response.process.as_ref().unwrap();
    let process: Value = serde_json::from_slice(&any.value).unwrap();
    json!({"type_url": any.type_url, "process": process, "warnings": response.warnings})
}

fn resources(response: &pb::GenerateResourcesResponse) -> Value {
    let any = response.resources.as_ref();
    json!({"type_url": any.unwrap().type_url, "resources": read(any), "warnings": response.warnings})
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

/// What is wrong with an answer, unless it is to be written. Both are compared as text, in which fields have an order.
fn compare(case: &Case, profile: &str, got: &Value) -> Option<String> {
    if std::env::var_os("BLESS").is_some() {
        let text = if got.get("spec").is_some() && case.name != profile {
            bless::text(profile, &self::case(profile).wanted().unwrap(), got)
        } else {
            serde_json::to_string_pretty(got).unwrap() + "\n"
        };
        std::fs::write(case.directory.join("want.json"), text).unwrap();
    }
    let wrong = match case.wanted() {
        Ok(want) if bless::same(&want, got) => return None,
        Ok(want) => format!(
            "what is answered differs from what is wanted by {}",
            bless::difference(&want, got)
        ),
        Err(why) => why,
    };
    Some(format!("{}: {wrong}", case.directory.display()))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_rule_gives_what_is_wanted() {
    let mut wrong = Vec::new();
    let mut cases = cases("generate");
    let profile = |case: &Case| match request_json::parse(&case.request()).profile.as_str() {
        "" => "function".to_owned(),
        "containerd" => NEWEST_CONTAINERD.to_owned(),
        "docker" => NEWEST_DOCKER.to_owned(),
        name => name.to_owned(),
    };
    // The own cases of profiles come first, since the others are written as changes on them.
    cases.sort_by_cached_key(|case| case.name != profile(case));
    for case in &cases {
        let (fixture, request) = case.generate();
        let first = fixture.generate(request.clone()).await;
        let got = match &first {
            Ok(response) => answer(response),
            Err(status) => error(status),
        };
        let mut again = request;
        again.set_encoding(pb::Encoding::Json);
        if let (Ok(first), Ok(again)) = (&first, fixture.generate(again).await) {
            same_text(first.spec.as_ref(), again.spec.as_ref(), &again.spec_json);
        }
        wrong.extend(compare(case, &profile(case), &got));
    }
    assert!(wrong.is_empty(), "BLESS=1 writes what is answered\n{}", wrong.join("\n"));
    assert!(cases.len() > 40, "goldens are missing");
}

/// Stages that have ended.
#[derive(Debug, Default)]
struct Copies(AtomicUsize);

impl Observer for Copies {
    fn took(&self, stage: Stage, _: Duration) {
        if stage == Stage::Copy {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The third container with the same options gets a copy of a template, and a server without one takes the steps.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_with_another_id_is_what_the_steps_give() {
    let copies = Arc::new(Copies::default());
    for case in &cases("generate") {
        let (mut fixture, request) = case.generate();
        fixture.generator = fixture.generator.observed_by(Arc::clone(&copies) as Arc<dyn Observer>);
        let with_id = |turn: u8| {
            let turned = |byte: u8| match byte {
                b'a'..=b'z' => b'a' + (byte - b'a' + turn) % 26,
                b'0'..=b'9' => b'0' + (byte - b'0' + turn) % 10,
                other => other,
            };
            let id = request.id.bytes().map(|byte| char::from(turned(byte))).collect();
            pb::GenerateRequest { id, ..request.clone() }
        };
        let service = fixture.service();
        let generate = async |turn| received::generate(&service, &with_image(with_id(turn))).await;
        for turn in 1..3 {
            let _ = generate(turn).await;
        }
        let (other, _) = case.generate();
        let known = generate(3).await.map_err(|status| error(&status));
        let unknown = other.generate(with_id(3)).await.map_err(|status| error(&status));
        assert_eq!(known, unknown, "{}", case.name);
    }
    let copies = copies.0.load(Ordering::Relaxed);
    assert!(copies > 80, "only {copies} copies");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_rule_of_tasks_gives_what_is_wanted() {
    let mut wrong = Vec::new();
    let (execs, updates) = (cases("process"), cases("resources"));
    for case in &execs {
        let mut request: pb::GenerateProcessRequest =
            request_json::parse_as("GenerateProcessRequest", &case.request());
        let tasks = case.tasks();
        let answer = tasks.service.generate_process(Request::new(request.clone())).await;
        request.set_encoding(pb::Encoding::Json);
        if let (Ok(first), Ok(again)) =
            (&answer, tasks.service.generate_process(Request::new(request)).await)
        {
            let again = again.into_inner();
            same_text(
                first.get_ref().process.as_ref(),
                again.process.as_ref(),
                &again.process_json,
            );
        }
        let got = answer.map_or_else(|status| error(&status), |answer| process(answer.get_ref()));
        wrong.extend(compare(case, "", &got));
    }
    for case in &updates {
        let mut request: pb::GenerateResourcesRequest =
            request_json::parse_as("GenerateResourcesRequest", &case.request());
        let tasks = case.tasks();
        let answer = tasks.service.generate_resources(Request::new(request.clone())).await;
        request.set_encoding(pb::Encoding::Json);
        if let (Ok(first), Ok(again)) =
            (&answer, tasks.service.generate_resources(Request::new(request)).await)
        {
            let (first, again) = (first.get_ref().resources.as_ref(), again.into_inner());
            same_text(first, again.resources.as_ref(), &again.resources_json);
        }
        let got = answer.map_or_else(|status| error(&status), |answer| resources(answer.get_ref()));
        wrong.extend(compare(case, "", &got));
    }
    assert!(wrong.is_empty(), "BLESS=1 writes what is answered\n{}", wrong.join("\n"));
    assert!(execs.len() > 30 && updates.len() > 4, "goldens are missing");
}
