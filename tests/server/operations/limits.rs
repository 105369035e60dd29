//! The limits of clients, and the errors beyond them.

use crate::operations::{IMAGE, Server, request, within};
use http_body::Body as _;
use http_body_util::{BodyExt as _, Full};
use prost::Message as _;
use specd::api::pb::specd::{ProcessOptions, SpecOptions, SpecServiceClient};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tonic::body::Body;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use tower::ServiceExt as _;

fn reason(status: &Status) -> String {
    status.get_details_error_info().unwrap().reason
}

#[tokio::test]
async fn calls_in_flight_are_shed_with_resource_exhausted_and_retry_info() {
    let server = Arc::new(Server::start(&["--max-in-flight", "1"]).await);
    server.containerd.hangs(true);
    let mut client = SpecServiceClient::new(server.channel().await);
    let waiting = tokio::spawn(async move { client.generate(request()).await });
    within("a call at containerd", server.containerd.runs(1)).await;
    let mut fastest = Duration::MAX;
    for _ in 0..10 {
        let mut client = SpecServiceClient::new(server.channel().await);
        let started = Instant::now();
        let status = within("a refusal", client.generate(request())).await.unwrap_err();
        fastest = fastest.min(started.elapsed());
        assert_eq!(
            (status.code(), reason(&status)),
            (Code::ResourceExhausted, "OVERLOADED".into())
        );
        let retry = status.get_details_retry_info().unwrap().retry_delay.unwrap();
        assert!(retry > Duration::ZERO);
    }
    assert!(fastest < Duration::from_millis(50), "{fastest:?}");
    waiting.abort();
}

fn with_env(bytes: usize) -> tonic::Request<specd::api::pb::specd::GenerateRequest> {
    let mut request = request();
    let env = (0..10).map(|at| format!("A{at}={}", "x".repeat(bytes / 10))).collect();
    let process = Some(ProcessOptions { env, ..Default::default() });
    request.get_mut().options = Some(SpecOptions { process, ..Default::default() }.into());
    request
}

/// An error is headers alone, which end the stream. Other clients than tonic take it for a broken answer if data follows.
#[tokio::test]
async fn an_error_has_no_body_however_large_its_request_is() {
    let server = Server::start(&[]).await;
    for (bytes, name, wanted) in [
        (10, "", "3"),
        (100_000, "", "3"),
        (100_000, "docker.io/library/absent:1", "5"),
        (1_100_000, IMAGE, "8"),
    ] {
        let mut message = with_env(bytes).into_inner();
        message.image = name.to_owned();
        let framed = [&[0][..], &u32::try_from(message.encoded_len()).unwrap().to_be_bytes()];
        let body = Full::from([framed.concat(), message.encode_to_vec()].concat());
        let request = http::Request::post("/specd.v1.SpecService/Generate")
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(Body::new(body.map_err(|never| match never {})))
            .unwrap();
        let answer = within("an answer", server.channel().await.oneshot(request)).await.unwrap();
        assert_eq!(answer.headers()["grpc-status"], wanted, "{bytes} {name}");
        assert!(answer.body().is_end_stream(), "{bytes} {name}: more than headers");
    }
}

#[tokio::test]
async fn message_size_in_is_bounded() {
    let server = Server::start(&[]).await;
    server.generate(with_env(1_000_000)).await.unwrap();
    let status = server.generate(with_env(1_050_000)).await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status)),
        (Code::ResourceExhausted, "LIMIT_EXCEEDED".into()),
        "{status:?}"
    );
    let limit = status.get_details_error_info().unwrap().metadata["limit"].clone();
    assert_eq!(limit, "1048576");
}

#[tokio::test]
async fn message_size_out_is_bounded() {
    let server = Server::start(&["--max-response-bytes", "100000"]).await;
    server.generate(with_env(50_000)).await.unwrap();
    let status = server.generate(with_env(100_000)).await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status)),
        (Code::ResourceExhausted, "LIMIT_EXCEEDED".into()),
        "{status:?}"
    );
}
