//! The line that is logged of a call, and its request id.

use crate::logs::Logs;
use crate::transport::{Server, ask};
use bytes::Bytes;
use http::Response;
use specd::server::callee::Callee;
use specd::server::trace::Traced;
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use tonic::body::Body;
use tonic::metadata::MetadataValue;
use tonic::{Request, Status};
use tower::{ServiceExt, service_fn};

/// The id that comes back for the one that was sent.
async fn id_of_a_call(server: &Server, sent: Option<&str>) -> String {
    let mut request = Request::new(ask("liveness"));
    if let Some(sent) = sent {
        request.metadata_mut().insert("x-request-id", MetadataValue::try_from(sent).unwrap());
    }
    let answer = server.client().await.check(request).await.unwrap();
    answer.metadata().get("x-request-id").unwrap().to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_callers_request_id_comes_back() {
    let server = Server::start().await;
    for id in ["a", "3f2b-11", "with spaces and \"quotes\"", &"x".repeat(128)] {
        assert_eq!(id_of_a_call(&server, Some(id)).await, id);
    }
}

#[tokio::test]
async fn without_a_fit_request_id_one_is_made() {
    let server = Server::start().await;
    let mut seen = std::collections::HashSet::new();
    for sent in [None, None, Some(""), Some("tab\there"), Some(&*"x".repeat(129))] {
        let id = id_of_a_call(&server, sent).await;
        assert!(id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
        assert!(seen.insert(id), "an id came twice");
    }
}

#[tokio::test]
async fn an_error_carries_the_request_id_too() {
    let server = Server::start().await;
    let mut request = Request::new(ask("no.such.Service"));
    request.metadata_mut().insert("x-request-id", MetadataValue::from_static("mine"));
    let error = server.client().await.check(request).await.unwrap_err();
    assert_eq!(error.metadata().get("x-request-id").unwrap(), "mine");
}

#[tokio::test]
async fn a_call_is_one_line_with_method_code_latency_peer_and_id() {
    let (logs, _guard) = Logs::keep("specd=debug");
    let server = Server::start().await;
    let id = id_of_a_call(&server, None).await;
    server.client().await.check(ask("no.such.Service")).await.unwrap_err();
    // Streams end where they are dropped.
    drop(server.client().await.watch(ask("")).await.unwrap());
    crate::transport::within("three lines", async {
        while logs.with("call").len() < 3 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    })
    .await;

    let lines = logs.with("call");
    assert_eq!(lines.len(), 3, "{lines:?}");
    let codes: Vec<_> = lines.iter().map(|line| line["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["OK", "NOT_FOUND", "CANCELLED"]);
    assert_eq!(lines[0]["method"], "/grpc.health.v1.Health/Check");
    assert_eq!(lines[0]["spans"][0]["request_id"], id);
    for line in &lines {
        assert!(line["latency_us"].is_u64(), "{line}");
        assert!(line["peer"].as_str().unwrap().starts_with("127.0.0.1:"), "{line}");
    }
}

#[tokio::test]
async fn health_checks_are_silent_by_default_and_other_calls_are_not() {
    let (logs, _guard) = Logs::keep("info");
    let server = Server::start().await;
    id_of_a_call(&server, None).await;
    let channel = crate::transport::connect(server.address()).await.unwrap();
    let request = http::Request::post("/no.such.Service/Method").body(Body::empty()).unwrap();
    channel.oneshot(request).await.unwrap();
    let lines = logs.with("call");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0]["code"], "UNIMPLEMENTED");
}

#[tokio::test]
async fn what_a_handler_logs_and_records_carries_the_request_id() {
    let (logs, _guard) = Logs::keep("info");
    let handler = service_fn(|request: http::Request<Body>| async move {
        assert_eq!(request.headers()["x-request-id"], "mine");
        tracing::Span::current().record("namespace", "k8s.io");
        tracing::info!("within");
        Ok::<Response<Body>, Infallible>(Status::aborted("no").into_http())
    });
    let request =
        http::Request::post("/a.B/C").header("x-request-id", "mine").body(Body::empty()).unwrap();
    Traced::new(handler).answer(request).await;
    assert_eq!(logs.with("within")[0]["spans"][0]["request_id"], "mine");
    let call = &logs.with("call")[0];
    assert_eq!((&call["code"], &call["method"]), (&"ABORTED".into(), &"/a.B/C".into()));
    assert_eq!(call["spans"][0]["namespace"], "k8s.io");
}

/// A body that logs when it is asked for more, and ends with a status.
struct Chatty;

impl http_body::Body for Chatty {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Status>>> {
        tracing::info!("streaming");
        let trailers = [("grpc-status", "15")].map(|(name, value)| {
            (http::HeaderName::from_static(name), http::HeaderValue::from_static(value))
        });
        Poll::Ready(Some(Ok(http_body::Frame::trailers(trailers.into_iter().collect()))))
    }
}

#[tokio::test]
async fn what_a_stream_logs_carries_the_request_id_and_its_trailers_give_the_code() {
    let (logs, _guard) = Logs::keep("info");
    let handler = service_fn(|_: http::Request<Body>| async {
        Ok::<_, Infallible>(Response::new(Body::new(Chatty)))
    });
    let request =
        http::Request::post("/a.B/C").header("x-request-id", "mine").body(Body::empty()).unwrap();
    let mut body = Traced::new(handler).answer(request).await.into_body();
    assert!(logs.with("call").is_empty());
    poll_fn(|cx| http_body::Body::poll_frame(Pin::new(&mut body), cx)).await.unwrap().unwrap();
    drop(body);
    assert_eq!(logs.with("streaming")[0]["spans"][0]["request_id"], "mine");
    let calls = logs.with("call");
    assert_eq!((calls.len(), &calls[0]["code"]), (1, &"DATA_LOSS".into()));
}

#[tokio::test]
async fn a_call_whose_client_leaves_before_the_answer_is_logged_as_cancelled() {
    let (logs, _guard) = Logs::keep("info");
    let handler = service_fn(|_: http::Request<Body>| {
        std::future::pending::<Result<Response<Body>, Infallible>>()
    });
    let request = http::Request::post("/a.B/C").body(Body::empty()).unwrap();
    let traced = Traced::new(handler);
    let call = traced.answer(request);
    tokio::time::timeout(std::time::Duration::from_millis(20), call).await.unwrap_err();
    assert_eq!(logs.with("call")[0]["code"], "CANCELLED");
}
