//! Calls about existing containers: the guarantees of Generate hold for them too.

use crate::operations::containerd::{CONTAINER, PROCESS};
use crate::operations::metrics::{has, start};
use crate::operations::{Server, request, within};
use specd::api::pb::specd as pb;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;
use tower::ServiceExt;

fn exec(id: &str, user: Option<&str>) -> Request<pb::GenerateProcessRequest> {
    let command = pb::StringList { values: vec!["id".to_owned()] };
    Request::new(pb::GenerateProcessRequest {
        namespace: "functions".to_owned(),
        id: id.to_owned(),
        options: Some(pb::ExecOptions {
            process: Some(pb::ProcessOptions { command: Some(command), ..Default::default() }),
            user: user
                .map(|user| pb::UserOptions { user: Some(user.to_owned()), ..Default::default() }),
            ..Default::default()
        }),
        ..Default::default()
    })
}

fn limit() -> Request<pb::GenerateResourcesRequest> {
    let resources = pb::ResourceOptions { pids_limit: Some(64), ..Default::default() };
    let options = Some(pb::UpdateOptions { resources: Some(resources) });
    Request::new(pb::GenerateResourcesRequest { options, ..Default::default() })
}

async fn process(
    server: &Server,
    request: Request<pb::GenerateProcessRequest>,
) -> Result<pb::GenerateProcessResponse, Status> {
    let mut client = pb::SpecServiceClient::new(server.channel().await);
    let answer = within("an answer", client.generate_process(request)).await;
    answer.map(tonic::Response::into_inner)
}

fn reason(status: &Status) -> String {
    status.get_details_error_info().unwrap().reason
}

#[tokio::test]
async fn calls_are_answered_and_counted() {
    let (server, address) = start(&[]).await;
    let answer = process(&server, exec(CONTAINER, Some("1:2"))).await.unwrap();
    let wanted = PROCESS
        .replace(r#""gid":8"#, r#""gid":2,"additionalGids":[2]"#)
        .replace(r#""uid":7"#, r#""uid":1"#)
        .replace("/bin/app", "id");
    assert_eq!(String::from_utf8(answer.process.unwrap().value).unwrap(), wanted);

    let status = process(&server, exec("nobody", None)).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::NotFound, "CONTAINER_NOT_FOUND"));
    let about = status.get_details_resource_info().unwrap();
    assert_eq!(
        (about.resource_type.as_str(), about.resource_name.as_str()),
        ("container", "nobody")
    );
    let metadata = status.get_details_error_info().unwrap().metadata;
    assert_eq!((&metadata["namespace"][..], &metadata["id"][..]), ("functions", "nobody"));

    let mut client = pb::SpecServiceClient::new(server.channel().await);
    let limits = client.generate_resources(limit()).await.unwrap().into_inner().resources.unwrap();
    assert_eq!(limits.type_url, "types.containerd.io/opencontainers/runtime-spec/1/LinuxResources");
    assert_eq!(limits.value, br#"{"pids":{"limit":64}}"#);

    const OF: &str = "grpc_service=\"specd.v1.SpecService\",grpc_method";
    for (series, wished) in [
        (format!("grpc_server_handled_total{{{OF}=\"GenerateProcess\",grpc_code=\"OK\"}}"), 1.0),
        (
            format!("grpc_server_handled_total{{{OF}=\"GenerateProcess\",grpc_code=\"NotFound\"}}"),
            1.0,
        ),
        (format!("grpc_server_handled_total{{{OF}=\"GenerateResources\",grpc_code=\"OK\"}}"), 1.0),
        ("specd_stage_seconds_count{stage=\"container\"}".to_owned(), 2.0),
        ("specd_stage_seconds_count{stage=\"assemble\"}".to_owned(), 2.0),
        ("specd_containerd_calls_total{method=\"Containers.Get\",code=\"OK\"}".to_owned(), 1.0),
    ] {
        has(address, &series, wished).await;
    }
    let namespaces = server.containerd.headers("Containers/Get", "containerd-namespace");
    assert_eq!(namespaces, [Some("functions".to_owned()), Some("functions".to_owned())]);
}

#[tokio::test]
async fn a_name_needs_a_snapshot_that_may_be_read() {
    let server = Server::start(&[]).await;
    let status = process(&server, exec(CONTAINER, Some("app"))).await.unwrap_err();
    let code_and_reason = (status.code(), reason(&status));
    assert_eq!(code_and_reason, (Code::FailedPrecondition, "SNAPSHOT_UNREADABLE".to_owned()));
    assert!(status.message().contains("--snapshot-root"), "{status}");
}

#[tokio::test]
async fn time_and_room_are_bounded_as_for_a_spec() {
    let server = Server::start(&["--call-timeout", "300ms"]).await;
    server.containerd.hangs(true);
    let status = process(&server, exec(CONTAINER, None)).await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::DeadlineExceeded, "DEADLINE_EXCEEDED")
    );
    within("the call at containerd to end", server.containerd.runs(0)).await;
    let timeouts = server.containerd.headers("Containers/Get", "grpc-timeout");
    assert!(timeouts.iter().all(Option::is_some) && timeouts.len() == 1, "{timeouts:?}");

    let server = Server::start(&["--max-response-bytes", "32"]).await;
    let status = process(&server, exec(CONTAINER, None)).await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::ResourceExhausted, "LIMIT_EXCEEDED")
    );
}

#[tokio::test]
async fn without_containerd_it_is_unavailable_and_limits_need_none() {
    let nowhere = ["--containerd", "/nonexistent/containerd.sock"];
    let server = Server::start_alone(&nowhere).await;
    let status = process(&server, exec(CONTAINER, None)).await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::Unavailable, "SOURCE_UNAVAILABLE")
    );
    assert!(status.get_details_retry_info().unwrap().retry_delay.is_some());
    let mut client = pb::SpecServiceClient::new(server.channel().await);
    client.generate_resources(limit()).await.unwrap();
}

#[tokio::test]
async fn an_oci_layout_has_no_containers() {
    let directory = tempfile::tempdir().unwrap();
    let version = r#"{"imageLayoutVersion":"1.0.0"}"#;
    std::fs::write(directory.path().join("oci-layout"), version).unwrap();
    let index = r#"{"schemaVersion":2,"manifests":[]}"#;
    std::fs::write(directory.path().join("index.json"), index).unwrap();
    let flags = ["--oci-layout", directory.path().to_str().unwrap()];
    let server = Server::start_alone(&flags).await;
    let status = process(&server, exec(CONTAINER, None)).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::NotFound, "CONTAINER_NOT_FOUND"));
    assert!(status.message().contains("OCI layout"), "{status}");
}

#[tokio::test]
async fn the_method_can_be_turned_off() {
    let server = Server::start(&["--no-generate-process"]).await;
    let status = process(&server, exec(CONTAINER, None)).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unimplemented, "TURNED_OFF"));
    assert!(status.message().contains("--no-generate-process"), "{status}");
    server.generate(request()).await.unwrap();
    within("the call at containerd to end", server.containerd.runs(0)).await;
    assert!(server.containerd.headers("Containers/Get", "grpc-timeout").is_empty());
}

#[tokio::test]
async fn reflection_can_be_turned_off() {
    for (flags, code) in [(&[][..], None), (&["--no-reflection"], Some(Code::Unimplemented))] {
        let server = Server::start(flags).await;
        for version in ["v1", "v1alpha"] {
            let path = format!("/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo");
            let call = http::Request::post(path).header("content-type", "application/grpc");
            let call = call.body(tonic::body::Body::empty()).unwrap();
            let answer = within("an answer", server.channel().await.oneshot(call)).await.unwrap();
            let status = answer.headers().get("grpc-status");
            assert_eq!(status.map(|status| Code::from_bytes(status.as_bytes())), code, "{version}");
        }
    }
}
