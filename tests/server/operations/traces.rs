//! Traces: into the caller's trace, out to the collector, and on to containerd, by OpenTelemetry's conventions for gRPC.

use crate::collector::{Collector, attributes};
use crate::operations::{Server, request, within};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use specd::api::pb::specd::{ListProfilesRequest, SpecServiceClient};
use specd::telemetry::traces::Traces;
use specd::telemetry::{Format, Telemetry};
use std::time::Duration;
use tonic::Code;
use tonic::codegen::http::uri::PathAndQuery;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

/// A server that sends its traces to a collector, as long as the guard lives.
struct Traced {
    server: Server,
    collector: Collector,
    traces: Traces,
    _guard: tracing::subscriber::DefaultGuard,
}

impl Traced {
    async fn start() -> Self {
        let (address, collector) = Collector::start().await;
        let endpoint = format!("http://{address}");
        let traces = Traces::to(&endpoint).unwrap();
        // What is traced does not depend on what is logged.
        let telemetry = Telemetry { format: Format::Text, filter: "off".to_owned() };
        let (subscriber, _) = telemetry.build(std::io::sink, false, Some(&traces)).unwrap();
        crate::logs::want_everything();
        let guard = tracing::subscriber::set_default(subscriber);
        let server = Server::start(&["--otlp-endpoint", &endpoint]).await;
        Self { server, collector, traces, _guard: guard }
    }

    /// Every span, once there is the one of a server's call with this code. Calls are written down when they are over,
    /// which the client may know before the server.
    async fn spans_with(&self, code: &str) -> Vec<Span> {
        within("the spans", async {
            loop {
                let traces = self.traces.clone();
                tokio::time::sleep(Duration::from_millis(50)).await;
                tokio::task::spawn_blocking(move || traces.flush()).await.unwrap();
                let spans = self.collector.spans();
                let is_it = |span: &&Span| {
                    span.kind == SpanKind::Server as i32
                        && attributes(&span.attributes)["rpc.response.status_code"] == code
                };
                if spans.iter().any(|span| is_it(&span)) {
                    return spans;
                }
            }
        })
        .await
    }
}

fn of_kind(spans: &[Span], kind: SpanKind) -> Vec<&Span> {
    spans.iter().filter(|span| span.kind == kind as i32).collect()
}

/// The status of a span, where it has one.
fn status(span: &Span) -> Option<StatusCode> {
    span.status.as_ref().map(|status| status.code()).filter(|code| *code != StatusCode::Unset)
}

/// The names of a span and of those above it.
fn ancestry(spans: &[Span], span: &Span) -> Vec<String> {
    let mut names = vec![span.name.clone()];
    let mut parent = &span.parent_span_id;
    while let Some(above) = spans.iter().find(|span| span.span_id == *parent) {
        names.push(above.name.clone());
        parent = &above.parent_span_id;
    }
    names
}

#[tokio::test]
async fn a_callers_trace_is_joined_exported_and_sent_on() {
    let traced = Traced::start().await;
    let mut asked = request();
    let parent = format!("00-{TRACE}-{PARENT}-01");
    asked.metadata_mut().insert("traceparent", parent.parse().unwrap());
    traced.server.generate(asked).await.unwrap();
    let spans = traced.spans_with("OK").await;

    let trace = hex::decode(TRACE).unwrap();
    assert!(spans.iter().all(|span| span.trace_id == trace), "{spans:#?}");
    let [call] = of_kind(&spans, SpanKind::Server)[..] else { panic!("{spans:#?}") };
    assert_eq!(call.name, "specd.v1.SpecService/Generate");
    assert_eq!(call.parent_span_id, hex::decode(PARENT).unwrap());
    assert_eq!(status(call), None);
    let found = attributes(&call.attributes);
    for (key, value) in [
        ("rpc.system.name", "grpc"),
        ("rpc.method", "specd.v1.SpecService/Generate"),
        ("rpc.response.status_code", "OK"),
        ("namespace", "functions"),
    ] {
        assert_eq!(found[key], value, "{key}");
    }
    assert!(found["digest"].starts_with("sha256:") && !found["request_id"].is_empty());
    assert!(!found.contains_key("error.type") && !found.contains_key("otel.kind"), "{found:?}");

    let stages: Vec<&str> =
        of_kind(&spans, SpanKind::Internal).iter().map(|span| span.name.as_str()).collect();
    for stage in ["resolve", "describe", "assemble"] {
        assert!(stages.contains(&stage), "{stage}: {stages:?}");
    }
    let calls = of_kind(&spans, SpanKind::Client);
    for (method, name) in [
        ("Images/Get", "containerd.services.images.v1.Images/Get"),
        ("Content/Read", "containerd.services.content.v1.Content/Read"),
    ] {
        let named: Vec<&&Span> = calls.iter().filter(|span| span.name == name).collect();
        assert!(!named.is_empty(), "{method}: {calls:#?}");
        for span in &named {
            let found = attributes(&span.attributes);
            assert_eq!(
                (found["rpc.system.name"].as_str(), found["rpc.method"].as_str()),
                ("grpc", name)
            );
            assert_eq!(found["network.transport"], "unix");
            assert!(found["server.address"].starts_with('/'), "{found:?}");
            assert_eq!((found["rpc.response.status_code"].as_str(), status(span)), ("OK", None));
            assert_eq!(ancestry(&spans, span).last(), Some(&call.name));
        }
        // containerd continues the trace below the call to it.
        let sent = traced.server.containerd.headers(method, "traceparent");
        let mut sent: Vec<String> = sent.into_iter().map(Option::unwrap).collect();
        let mut wanted: Vec<String> = named
            .iter()
            .map(|span| format!("00-{TRACE}-{}-01", hex::encode(&span.span_id)))
            .collect();
        sent.sort();
        wanted.sort();
        assert_eq!(sent, wanted, "{method}");
    }
    let resource = traced.collector.resource();
    assert_eq!(resource["service.name"], "specd");
    assert_eq!(resource["service.version"], env!("CARGO_PKG_VERSION"));
}

#[tokio::test]
async fn an_error_of_a_client_is_none_of_the_server() {
    let traced = Traced::start().await;
    let mut asked = request();
    asked.get_mut().image = "registry.example/missing:1".to_owned();
    let answer = traced.server.generate(asked).await;
    assert_eq!(answer.unwrap_err().code(), Code::NotFound);
    let spans = traced.spans_with("NOT_FOUND").await;
    let [call] = of_kind(&spans, SpanKind::Server)[..] else { panic!("{spans:#?}") };
    assert_eq!(status(call), None);
    assert!(!attributes(&call.attributes).contains_key("error.type"));
    // To the client of containerd, which specd is, it is one.
    let named = |span: &&&Span| span.name.ends_with("Images/Get");
    let calls = of_kind(&spans, SpanKind::Client);
    let asked: Vec<&&Span> = calls.iter().filter(named).collect();
    assert!(!asked.is_empty(), "{calls:#?}");
    for span in asked {
        let found = attributes(&span.attributes);
        assert_eq!(found["rpc.response.status_code"], "NOT_FOUND");
        assert_eq!(
            (found["error.type"].as_str(), status(span)),
            ("NOT_FOUND", Some(StatusCode::Error))
        );
    }
}

#[tokio::test]
async fn a_method_that_does_not_exist_is_an_error_without_its_name() {
    let traced = Traced::start().await;
    let mut client = tonic::client::Grpc::new(traced.server.channel().await);
    client.ready().await.unwrap();
    let codec = tonic_prost::ProstCodec::<(), ()>::default();
    let path = PathAndQuery::from_static("/specd.v1.SpecService/Nonsense");
    let answer = client.unary(tonic::Request::new(()), path, codec).await;
    assert_eq!(answer.unwrap_err().code(), Code::Unimplemented);
    let spans = traced.spans_with("UNIMPLEMENTED").await;
    let [call] = of_kind(&spans, SpanKind::Server)[..] else { panic!("{spans:#?}") };
    let found = attributes(&call.attributes);
    assert_eq!((call.name.as_str(), found["rpc.method"].as_str()), ("grpc", "_OTHER"));
    assert_eq!(
        (found["error.type"].as_str(), status(call)),
        ("UNIMPLEMENTED", Some(StatusCode::Error))
    );
}

#[tokio::test]
async fn probes_and_reflection_are_not_traced() {
    use tonic_reflection::pb::v1::ServerReflectionRequest;
    use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
    use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;

    let traced = Traced::start().await;
    let channel = traced.server.channel().await;
    let service = String::new();
    HealthClient::new(channel.clone()).check(HealthCheckRequest { service }).await.unwrap();
    let list = Some(MessageRequest::ListServices(String::new()));
    let asked = ServerReflectionRequest { host: String::new(), message_request: list };
    let asked = tokio_stream::iter([asked]);
    let mut answers = ServerReflectionClient::new(channel.clone())
        .server_reflection_info(asked)
        .await
        .unwrap()
        .into_inner();
    while answers.message().await.unwrap().is_some() {}
    // The server has also asked containerd for its version by now, for nobody.
    within("a ping", async {
        while traced.server.containerd.headers("Version/Version", "traceparent").is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    SpecServiceClient::new(channel).list_profiles(ListProfilesRequest {}).await.unwrap();
    let spans = traced.spans_with("OK").await;
    let names: Vec<&str> = spans.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(names, ["specd.v1.SpecService/ListProfiles"]);
}

#[tokio::test]
async fn without_an_endpoint_nothing_is_traced() {
    let server = Server::start(&[]).await;
    let mut asked = request();
    let parent = format!("00-{TRACE}-{PARENT}-01");
    asked.metadata_mut().insert("traceparent", parent.parse().unwrap());
    server.generate(asked).await.unwrap();
    let sent = server.containerd.headers("Images/Get", "traceparent");
    assert_eq!(sent, [None]);
}
