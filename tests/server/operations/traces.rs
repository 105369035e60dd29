//! Traces: into the caller's trace, out to the collector, and on to containerd.

use crate::operations::{Server, request, within};
use http_body::Body as _;
use hyper_util::rt::{TokioExecutor, TokioIo};
use specd::telemetry::traces::Traces;
use specd::telemetry::{Format, Telemetry};
use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tonic::Status;

type Exports = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// A collector that keeps what it is sent, with the paths that it is sent to.
async fn collector() -> (SocketAddr, Exports) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, exports) = (listener.local_addr().unwrap(), Exports::default());
    let kept = Arc::clone(&exports);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let kept = Arc::clone(&kept);
            let service = hyper::service::service_fn(
                move |mut request: http::Request<hyper::body::Incoming>| {
                    let kept = Arc::clone(&kept);
                    async move {
                        let mut bytes = Vec::new();
                        while let Some(Ok(frame)) =
                            poll_fn(|cx| Pin::new(request.body_mut()).poll_frame(cx)).await
                        {
                            bytes.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
                        }
                        kept.lock().unwrap().push((request.uri().path().to_owned(), bytes));
                        Ok::<_, Infallible>(Status::ok("").into_http::<tonic::body::Body>())
                    }
                },
            );
            let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            tokio::spawn(builder.serve_connection(TokioIo::new(stream), service));
        }
    });
    (address, exports)
}

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[tokio::test]
async fn a_callers_trace_is_joined_exported_and_sent_on() {
    let (collector, exports) = collector().await;
    let endpoint = format!("http://{collector}");
    let traces = Traces::to(&endpoint).unwrap();
    // What is traced does not depend on what is logged.
    let telemetry = Telemetry { format: Format::Text, filter: "off".to_owned() };
    let (subscriber, _) = telemetry.build(io_sink, false, Some(&traces)).unwrap();
    crate::logs::want_everything();
    let _guard = tracing::subscriber::set_default(subscriber);

    let server = Server::start(&["--otlp-endpoint", &endpoint]).await;
    let mut asked = request();
    let parent = format!("00-{TRACE}-00f067aa0ba902b7-01");
    asked.metadata_mut().insert("traceparent", parent.parse().unwrap());
    server.generate(asked).await.unwrap();

    for method in ["Images/Get", "Content/Read"] {
        let sent = server.containerd.headers(method, "traceparent");
        assert!(!sent.is_empty(), "{method} was not called");
        for header in sent {
            let header = header.unwrap();
            assert!(header.starts_with(&format!("00-{TRACE}-")), "{header}");
            assert_ne!(header, parent);
        }
    }
    // Calls are written down when they are over, which the client may know before the server.
    let id = hex::decode(TRACE).unwrap();
    within("the spans", async {
        loop {
            let traces = traces.clone();
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            tokio::task::spawn_blocking(move || traces.flush()).await.unwrap();
            let exports = exports.lock().unwrap();
            if exports.iter().any(|(_, bytes)| {
                holds(bytes, &id) && holds(bytes, b"specd.v1.SpecService/Generate")
            }) {
                return;
            }
        }
    })
    .await;
    let exports = exports.lock().unwrap();
    assert!(
        exports
            .iter()
            .all(|(path, _)| path == "/opentelemetry.proto.collector.trace.v1.TraceService/Export")
    );
    for part in ["resolve", "describe", "assemble", "functions"] {
        assert!(exports.iter().any(|(_, bytes)| holds(bytes, part.as_bytes())), "no {part}");
    }
}

fn io_sink() -> std::io::Sink {
    std::io::sink()
}

#[tokio::test]
async fn without_an_endpoint_nothing_is_traced() {
    let server = Server::start(&[]).await;
    let mut asked = request();
    let parent = format!("00-{TRACE}-00f067aa0ba902b7-01");
    asked.metadata_mut().insert("traceparent", parent.parse().unwrap());
    server.generate(asked).await.unwrap();
    let sent = server.containerd.headers("Images/Get", "traceparent");
    assert_eq!(sent, [None]);
}
