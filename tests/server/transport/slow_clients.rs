//! Clients that send a request and do not finish it, and clients that do not take their answers.

use crate::support::serve_config::serve_config;
use crate::transport::load::{Gated, call};
use crate::transport::{Server, Start, ask, check, within};
use bytes::Bytes;
use http::Request;
use http_body::Frame;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use specd::server::call_limits::CallLimits;
use specd::server::listen::ListenAddress;
use specd::server::metrics::Metrics;
use specd::server::serve::ServeConfig;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tonic::Code;
use tonic::body::Body;
use tonic::service::Routes;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tower::ServiceExt;

/// A body that begins, and never ends.
struct Unfinished(Option<Bytes>);

impl http_body::Body for Unfinished {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.0.take() {
            Some(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            None => Poll::Pending,
        }
    }
}

/// A connection with the limits of nobody: a client of tonic ends a call at its deadline itself.
async fn plain(server: &Server) -> SendRequest<Body> {
    let ListenAddress::Tcp(address) = server.address() else { panic!("not TCP") };
    let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (sender, connection) = http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    sender
}

/// Makes a call, and returns the code with which it ends; nothing if its answer has a body.
async fn send(
    mut sender: SendRequest<Body>,
    path: &str,
    body: Body,
    timeout: &str,
) -> Option<Code> {
    let mut request = Request::post(format!("http://localhost{path}")).body(body).unwrap();
    if !timeout.is_empty() {
        request.headers_mut().insert("grpc-timeout", timeout.parse().unwrap());
    }
    let answer = within("an answer", sender.send_request(request)).await.unwrap();
    let status = answer.headers().get("grpc-status")?;
    Some(Code::from_bytes(status.as_bytes()))
}

/// The body of a request that begins, and never ends.
fn half(begins: &'static [u8]) -> Body {
    let bytes = Some(Bytes::from_static(begins)).filter(|bytes| !bytes.is_empty());
    Body::new(Unfinished(bytes))
}

const WAIT: &str = "/example.v1.Gated/Wait";

/// How long a thousand calls may take to begin on a busy machine.
const LONG: Duration = Duration::from_secs(60);

async fn start(calls: CallLimits, gated: &Gated) -> (Server, Arc<Metrics>) {
    let metrics = Arc::new(Metrics::default());
    let config = ServeConfig { calls, metrics: Arc::clone(&metrics), ..serve_config() };
    let start = Start { config, routes: Routes::new(gated.clone()), ..Default::default() };
    (start.run().await, metrics)
}

/// Waits until so many calls have begun at the server.
async fn started(metrics: &Metrics, count: usize) {
    let wanted =
        format!("_started_total{{grpc_service=\"unknown\",grpc_method=\"unknown\"}} {count}\n");
    let begin = async {
        while !metrics.text().unwrap().contains(&wanted) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(LONG, begin).await.unwrap();
}

#[tokio::test]
async fn requests_that_never_end_shed_no_other_call() {
    let gated = Gated::new();
    gated.open();
    let calls = CallLimits { in_flight: 4, transfer_timeout: LONG * 2, ..serve_config().calls };
    let (server, metrics) = start(calls, &gated).await;
    let mut half_open = JoinSet::new();
    for _ in 0..8 {
        let sender = plain(&server).await;
        for _ in 0..128 {
            let mut sender = sender.clone();
            let request = Request::post(format!("http://localhost{WAIT}")).body(half(b"")).unwrap();
            half_open.spawn(async move { sender.send_request(request).await });
        }
    }
    started(&metrics, 8 * 128).await;
    for _ in 0..20 {
        assert_eq!(within("an answer", call(&server)).await, Code::Ok);
    }
    assert!(half_open.try_join_next().is_none());
    assert!(metrics.text().unwrap().contains("specd_shed_total 0\n"));
}

#[tokio::test]
async fn the_time_to_send_a_request_ends_for_every_method() {
    let (limit, long) = (Duration::from_millis(400), Duration::from_secs(60));
    for (path, begins, timeout, transfer_timeout) in [
        (WAIT, &b""[..], "", limit),
        (WAIT, b"\0\0\0\0\x09half", "", limit),
        (WAIT, b"", "100m", long),
        (WAIT, b"\0\0", "1H", limit),
        ("/grpc.health.v1.Health/Check", b"", "", limit),
        ("/grpc.health.v1.Health/Watch", b"", "50m", long),
        ("/no.such.Service/Method", b"", "", limit),
    ] {
        let calls = CallLimits { transfer_timeout, ..serve_config().calls };
        let (server, _) = start(calls, &Gated::new()).await;
        let begun = Instant::now();
        let code = send(plain(&server).await, path, half(begins), timeout).await;
        assert_eq!(code, Some(Code::DeadlineExceeded), "{path} {timeout}");
        assert!(begun.elapsed() >= Duration::from_millis(50), "{path} {timeout}");
    }
}

#[tokio::test]
async fn a_deadline_that_has_passed_already_is_exceeded_for_every_method() {
    let gated = Gated::new();
    gated.open();
    let (server, _) = start(serve_config().calls, &gated).await;
    let sender = plain(&server).await;
    for path in [WAIT, "/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch"] {
        for timeout in ["0n", "1n", "0H"] {
            // An empty message, whole.
            let body = Body::new("\0\0\0\0\0".to_owned());
            let code = send(sender.clone(), path, body, timeout).await;
            assert_eq!(code, Some(Code::DeadlineExceeded), "{path} {timeout}");
        }
    }
    assert_eq!(gated.begun_calls(), 0);
}

/// A client that grants no window: its answers cannot be sent.
async fn blind(server: &Server) -> HealthClient<Channel> {
    let ListenAddress::Tcp(address) = server.address() else { panic!("not TCP") };
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    let endpoint = endpoint.initial_stream_window_size(0);
    HealthClient::new(within("a connection", endpoint.connect()).await.unwrap())
}

#[tokio::test]
async fn an_answer_that_is_not_taken_ends_its_connection_and_no_other() {
    let transfer_timeout = Duration::from_millis(400);
    let calls = CallLimits { transfer_timeout, ..serve_config().calls };
    let (server, _) = start(calls, &Gated::new()).await;
    let mut blind = blind(&server).await;
    let mut other = server.client().await;
    assert_eq!(check(&mut other, "liveness").await, ServingStatus::Serving);
    let begun = Instant::now();
    within("the end", blind.check(ask("liveness"))).await.unwrap_err();
    assert!(begun.elapsed() >= transfer_timeout, "{:?}", begun.elapsed());
    assert_eq!(check(&mut other, "liveness").await, ServingStatus::Serving);
}

#[tokio::test]
async fn answers_that_are_not_taken_are_bounded_in_bytes() {
    // A check is answered with seven bytes.
    let calls = CallLimits { transit_bytes: 20, ..serve_config().calls };
    let (server, _) = start(calls, &Gated::new()).await;
    let mut first = blind(&server).await;
    let second = blind(&server).await;
    let first = tokio::spawn(async move { first.check(ask("liveness")).await });
    tokio::time::sleep(Duration::from_millis(200)).await;
    let second: JoinSet<_> = (0..2)
        .map(|_| {
            let mut client = second.clone();
            async move { client.check(ask("liveness")).await }
        })
        .collect();
    // The third answer takes the room of the first.
    within("the end of the first", first).await.unwrap().unwrap_err();
    let mut other = server.client().await;
    assert_eq!(second.len(), 2);
    drop(second);
    assert_eq!(check(&mut other, "liveness").await, ServingStatus::Serving);
}

#[tokio::test]
async fn a_call_gives_its_place_back_when_its_answer_is_ready() {
    let gated = Gated::answering("x".repeat(100_000));
    gated.open();
    let calls = CallLimits { in_flight: 1, ..serve_config().calls };
    let (server, _) = start(calls, &gated).await;
    let ListenAddress::Tcp(address) = server.address() else { panic!("not TCP") };
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    let blind = endpoint.initial_stream_window_size(0).connect().await.unwrap();
    let mut unread = Vec::new();
    for _ in 0..5 {
        let request = Request::post(WAIT).body(Body::empty()).unwrap();
        let answer = within("the headers", blind.clone().oneshot(request)).await.unwrap();
        assert_eq!(answer.headers().get("grpc-status"), None);
        unread.push(answer);
    }
    assert_eq!(gated.begun_calls(), 5);
}
