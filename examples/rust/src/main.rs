//! From an image to a running container: specd makes the spec, containerd runs it.

use containerd_client::services::v1::container::Runtime;
use containerd_client::services::v1::snapshots::{PrepareSnapshotRequest, RemoveSnapshotRequest};
use containerd_client::services::v1::{
    Container, CreateContainerRequest, CreateTaskRequest, DeleteContainerRequest,
    DeleteTaskRequest, StartRequest, WaitRequest,
};
use containerd_client::types::Mount;
use containerd_client::{Client, with_namespace};
use specd::spec_service_client::SpecServiceClient;
use specd::{GenerateRequest, GenerateResponse, ProcessOptions, SpecOptions, StringList};
use tonic::transport::Endpoint;
use tonic::{Request, Status};
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus};
use tonic_types::StatusExt;

/// The stubs that build.rs generates.
mod specd {
    tonic::include_proto!("specd.v1");
}

const SPECD: &str = "unix:///run/specd/specd.sock";
const CONTAINERD: &str = "/run/containerd/containerd.sock";
const NAMESPACE: &str = "default";

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

// ANCHOR: request
fn request(id: &str, process: ProcessOptions) -> GenerateRequest {
    GenerateRequest {
        image: "busybox".into(),
        namespace: NAMESPACE.into(),
        id: id.into(),
        profile: "hardened".into(),
        options: Some(SpecOptions { process: Some(process), ..Default::default() }),
        ..Default::default()
    }
}
// ANCHOR_END: request

/// Creates the container that the answer describes, runs it to its end and removes it.
async fn run(client: &Client, id: &str, answer: GenerateResponse) -> Result<(u32, String)> {
    let made = answer.container.unwrap_or_default();
    let snapshot = made.snapshot.unwrap_or_default();

    // ANCHOR: container
    // The container comes first: from then on containerd's garbage collector keeps its snapshot.
    let container = Container {
        id: id.into(),
        image: answer.image.unwrap_or_default().name,
        labels: made.labels,
        spec: answer.spec,
        runtime: made
            .runtime
            .map(|runtime| Runtime { name: runtime.name, options: runtime.options }),
        snapshotter: snapshot.snapshotter.clone(),
        snapshot_key: id.into(),
        ..Default::default()
    };
    let create = CreateContainerRequest { container: Some(container) };
    client.containers().create(with_namespace!(create, NAMESPACE)).await?;
    // ANCHOR_END: container

    let prepare = PrepareSnapshotRequest {
        snapshotter: snapshot.snapshotter.clone(),
        key: id.into(),
        parent: snapshot.parent,
        labels: snapshot.labels,
    };
    let ran = match client.snapshots().prepare(with_namespace!(prepare, NAMESPACE)).await {
        Ok(prepared) => {
            let ran = run_task(client, id, prepared.into_inner().mounts, made.terminal).await;
            let remove =
                RemoveSnapshotRequest { snapshotter: snapshot.snapshotter, key: id.into() };
            client.snapshots().remove(with_namespace!(remove, NAMESPACE)).await?;
            ran
        }
        Err(status) => Err(status.into()),
    };
    let delete = DeleteContainerRequest { id: id.into() };
    client.containers().delete(with_namespace!(delete, NAMESPACE)).await?;
    ran
}

async fn run_task(
    client: &Client,
    id: &str,
    rootfs: Vec<Mount>,
    terminal: bool,
) -> Result<(u32, String)> {
    let directory = tempfile::tempdir()?;
    let log = directory.path().join("output");
    let uri = format!("file://{}", log.display());
    let create = CreateTaskRequest {
        container_id: id.into(),
        rootfs,
        stdout: uri.clone(),
        stderr: uri,
        terminal,
        ..Default::default()
    };
    let mut tasks = client.tasks();
    tasks.create(with_namespace!(create, NAMESPACE)).await?;
    let start = StartRequest { container_id: id.into(), ..Default::default() };
    let wait = WaitRequest { container_id: id.into(), ..Default::default() };
    let ended = match tasks.start(with_namespace!(start, NAMESPACE)).await {
        Ok(_) => tasks.wait(with_namespace!(wait, NAMESPACE)).await,
        Err(status) => Err(status),
    };
    let delete = DeleteTaskRequest { container_id: id.into() };
    tasks.delete(with_namespace!(delete, NAMESPACE)).await?;
    // All output is in the file once the task is deleted.
    Ok((ended?.into_inner().exit_status, std::fs::read_to_string(log)?))
}

// ANCHOR: errors
/// Prints the reason of specd's error, and each field of the request that is wrong.
fn print_error(status: &Status) {
    let details = status.get_error_details();
    let reason = details.error_info().map_or("none", |info| &info.reason);
    println!("error: {reason}");
    for violation in details.bad_request().into_iter().flat_map(|bad| &bad.field_violations) {
        println!("  {}: {}", violation.field, violation.description);
    }
}
// ANCHOR_END: errors

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let channel = Endpoint::from_static(SPECD).connect().await?;
    let check = HealthCheckRequest::default();
    let health = HealthClient::new(channel.clone()).check(check).await?.into_inner().status;
    println!("health: {}", ServingStatus::try_from(health)?.as_str_name());

    let id = "hello-rust";
    let mut specd = SpecServiceClient::new(channel);
    let values = ["sh", "-c", "echo hello from Rust; exit 7"].map(Into::into).into();
    let process = ProcessOptions { command: Some(StringList { values }), ..Default::default() };
    let answer = specd.generate(request(id, process)).await?.into_inner();
    let (exit_code, output) = run(&Client::from_path(CONTAINERD).await?, id, answer).await?;
    print!("output: {output}");
    println!("exit code: {exit_code}");

    let wrong =
        ProcessOptions { cwd: Some("srv".into()), oom_score_adj: Some(5000), ..Default::default() };
    match specd.generate(request(id, wrong)).await {
        Ok(_) => Err("an invalid request was answered".into()),
        Err(status) => Ok(print_error(&status)),
    }
}
