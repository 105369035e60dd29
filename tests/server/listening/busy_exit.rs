//! SIGTERM while the most expensive requests are worked on.

use crate::listening::{Running, SOON, specd, unix};
use crate::support::layout::Layout;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use specd::api::pb::specd::{
    ExplainRequest, GenerateRequest, ProcessOptions, SpecOptions, SpecServiceClient,
};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tonic::transport::Endpoint;

const IMAGE: &str = "registry.example/app:1";

/// As many variables as a request may have.
fn expensive() -> ExplainRequest {
    let env = (0..9000).map(|at| format!("VARIABLE_{at}=the value of variable {at}")).collect();
    let process = Some(ProcessOptions { env, ..ProcessOptions::default() });
    ExplainRequest {
        request: Some(GenerateRequest {
            image: IMAGE.to_owned(),
            namespace: "default".to_owned(),
            id: "app-1".to_owned(),
            options: Some(SpecOptions { process, ..SpecOptions::default() }.into()),
            ..GenerateRequest::default()
        }),
    }
}

#[test]
fn the_exit_waits_for_no_expensive_request() {
    let mut layout = Layout::temp();
    let image = layout.image(json!({"config": {"Cmd": ["/bin/app"], "User": "1:1"}}), &[]);
    layout.tag(IMAGE, &image.manifest);
    let directory = tempfile::tempdir().unwrap();
    let address = unix(&directory.path().join("specd.sock"));
    let mut command = specd();
    command.args(["serve", "--listen", &address, "--drain-timeout", "500ms", "--oci-layout"]);
    let mut running = Running::start(command.arg(layout.root()));
    running.says(&["listening"]);

    let runtime = tokio::runtime::Runtime::new().unwrap();
    let stopping = runtime.block_on(async {
        let channel = Endpoint::from_shared(address).unwrap().connect().await.unwrap();
        let mut calls = JoinSet::new();
        for _ in 0..16 {
            let mut client = SpecServiceClient::new(channel.clone());
            calls.spawn(async move { while client.explain(expensive()).await.is_err() {} });
        }
        // All but the first few are in the queue.
        tokio::time::sleep(Duration::from_millis(500)).await;
        kill_process(Pid::from_child(&running.child), Signal::TERM).unwrap();
        Instant::now()
    });
    runtime.shutdown_background();
    assert!(running.ended().success());
    assert!(stopping.elapsed() < SOON / 2, "{:?}", stopping.elapsed());
}
