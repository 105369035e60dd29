//! What a request costs: for every list and map of the API, found by reflection, the memory that is allocated and the time
//! grow at most in proportion to its length, and a request at its bound stays within a limit of memory.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../support"]
mod support {
    pub(crate) mod api_fields;
    pub(crate) mod layout;
    pub(crate) mod own_process;
    pub(crate) mod service;
    pub(crate) mod tasks;
}

use cap::Cap;
use prost::Message;
use prost_reflect::{DynamicMessage, ReflectMessage};
use rustix::time::{ClockId, clock_gettime};
use specd::api::pb::specd as pb;
use specd::api::pb::specd::SpecService;
use specd::domain::limits::Bound;
use specd::generate::Machine;
use specd::spec::encode::TYPE_URL;
use specd::store::StoredContainer;
use std::alloc::System;
use std::time::Duration;
use support::api_fields::{self, ApiField, element_text};
use support::own_process::is_alone;
use support::service::Fixture;
use support::tasks::Tasks;
use tokio::runtime::{Builder, Runtime};
use tonic::{Request, Status};

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// The most memory that one request may take at a time, in bytes.
const PEAK: usize = 64 << 20;

/// Elements of the shorter list; the longer one has four times as many.
const SHORT: usize = 200;

/// An image, a container, and a runtime that computes on this thread alone.
struct Server {
    runtime: Runtime,
    image: Fixture,
    container: Tasks,
}

/// The cost of a call.
struct Cost {
    bytes: usize,
    time: Duration,
}

impl Server {
    fn new() -> Self {
        let config = br#"{"os":"linux","architecture":"amd64","config":{"Cmd":["/bin/true"]},"rootfs":{"type":"layers","diff_ids":[]}}"#;
        let spec =
            br#"{"process":{"args":["a"],"cwd":"/","env":["A=1"],"user":{"uid":0,"gid":0}}}"#;
        let container = StoredContainer {
            type_url: TYPE_URL.to_owned(),
            spec: spec.to_vec(),
            snapshotter: "native".to_owned(),
            snapshot_key: "root".to_owned(),
        };
        let (passwd, group) = (Some(&b"root:x:0:0::/:\n"[..]), Some(&b"root:x:0:\n"[..]));
        Self {
            runtime: Builder::new_current_thread().enable_all().build().unwrap(),
            image: Fixture::new(config, passwd, group).on(Machine::default()),
            container: Tasks::new(Some(container), passwd, group),
        }
    }

    fn call(&self, message: &DynamicMessage, explain: bool) -> Result<(), Status> {
        let bytes = message.encode_to_vec();
        let bytes = bytes.as_slice();
        let image = self.image.service();
        self.runtime.block_on(async {
            match message.descriptor().name() {
                "GenerateRequest" if explain => {
                    let request = Some(pb::GenerateRequest::decode(bytes).unwrap());
                    image.explain(Request::new(pb::ExplainRequest { request })).await.map(drop)
                }
                "GenerateRequest" => {
                    let request = pb::GenerateRequest::decode(bytes).unwrap();
                    self.image.generate(request).await.map(drop)
                }
                "GenerateProcessRequest" => {
                    let request = pb::GenerateProcessRequest::decode(bytes).unwrap();
                    self.container.service.generate_process(Request::new(request)).await.map(drop)
                }
                _ => {
                    let request = pb::GenerateResourcesRequest::decode(bytes).unwrap();
                    image.generate_resources(Request::new(request)).await.map(drop)
                }
            }
        })
    }

    /// The lowest cost of three calls.
    fn cost(&self, message: &DynamicMessage, explain: bool) -> Cost {
        let costs = (0..3).map(|_| {
            let (bytes, started) = (ALLOCATOR.total_allocated(), clock());
            let _ = self.call(message, explain);
            Cost { bytes: ALLOCATOR.total_allocated() - bytes, time: clock() - started }
        });
        costs.reduce(|a, b| Cost { bytes: a.bytes.min(b.bytes), time: a.time.min(b.time) }).unwrap()
    }
}

/// The time that this thread has computed.
fn clock() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap()
}

fn lists() -> Vec<ApiField> {
    api_fields::all().into_iter().filter(ApiField::has_elements).collect()
}

#[test]
fn every_list_and_map_costs_at_most_in_proportion() {
    let server = Server::new();
    let mut wrong = Vec::new();
    for field in lists() {
        let long = field.most_elements().min(4 * SHORT);
        let text = |at: usize| element_text(&field, at);
        for explain in [false, true] {
            let [one, few, many] = [1, long / 4, long]
                .map(|count| server.cost(&field.with_elements(count, &text), explain));
            let few_bytes = few.bytes.saturating_sub(one.bytes);
            let many_bytes = many.bytes.saturating_sub(one.bytes);
            if many_bytes > 5 * few_bytes + (256 << 10) {
                wrong
                    .push(format!("{} {explain}: {few_bytes} to {many_bytes} bytes", field.path()));
            }
            if many.time > 8 * few.time + Duration::from_millis(20) {
                wrong.push(format!(
                    "{} {explain}: {:?} to {:?}",
                    field.path(),
                    few.time,
                    many.time
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(lists().len(), lists().iter().filter(|field| field.most_elements() > 3).count());

    // At its bound each stays within the memory of a request, explained or not.
    let texts = api_fields::all().into_iter().filter_map(|field| {
        let (Bound::Text(most) | Bound::Json(most)) = field.bound() else { return None };
        let message = field.with_text(&"x".repeat(most))?;
        Some((field.path(), message))
    });
    let at_their_bounds = lists().into_iter().map(|field| {
        let message = field.with_elements(field.most_elements(), &|at| element_text(&field, at));
        (field.path(), message)
    });
    for (path, message) in at_their_bounds.chain(texts) {
        for explain in [false, true] {
            let before = ALLOCATOR.allocated();
            let _ = server.call(&message, explain);
            let peak = ALLOCATOR.max_allocated() - before;
            assert!(peak <= PEAK, "{path} {explain}: {peak} bytes");
        }
    }
}

/// The file is nearly as large as one may be.
#[test]
fn cve_2026_47262_a_million_groups_cost_at_most_64_mebibytes_and_a_second() {
    let name = "cve_2026_47262_a_million_groups_cost_at_most_64_mebibytes_and_a_second";
    if !is_alone(module_path!(), name) {
        return;
    }
    let config = br#"{"os":"linux","architecture":"amd64","config":{"User":"app","Cmd":["/bin/true"]},"rootfs":{"type":"layers","diff_ids":[]}}"#;
    let group = "g:x:7:b\n".repeat(1_000_000) + "last:x:9:app\n";
    let image = Fixture::new(config, Some(b"app:x:5:6::/:\n"), Some(group.as_bytes()));
    let image = image.on(Machine::default());
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let (before, started) = (ALLOCATOR.allocated(), clock());
    let request = pb::GenerateRequest {
        namespace: "ns".to_owned(),
        id: "c".to_owned(),
        ..Default::default()
    };
    let answer = runtime.block_on(image.generate(request)).unwrap();
    let spec: serde_json::Value = serde_json::from_slice(&answer.spec.unwrap().value).unwrap();
    assert_eq!(spec["process"]["user"]["additionalGids"], serde_json::json!([6, 9]));
    let (peak, time) = (ALLOCATOR.max_allocated() - before, clock() - started);
    assert!(peak <= PEAK, "{peak} bytes");
    // Code that is not optimized takes ten times as long.
    let most = Duration::from_secs(if cfg!(debug_assertions) { 10 } else { 1 });
    assert!(time <= most, "{time:?}");
}
