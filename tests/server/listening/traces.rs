//! OpenTelemetry's own environment variables.

use super::{Running, refused, serve};
use crate::collector::{Collector, attributes};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use specd::api::pb::specd::{GenerateRequest, SpecServiceClient};

#[test]
fn the_variables_of_opentelemetry_are_honoured() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (address, collector) = runtime.block_on(Collector::start());
    let mut command = serve(&["tcp://127.0.0.1:0"]);
    command
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{address}"))
        .env("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=ops")
        .env("OTEL_SERVICE_NAME", "specs")
        .env("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test");
    let mut server = Running::start(&mut command);
    let target = server.listens().replace("tcp://", "http://");
    let code = runtime.block_on(async {
        let mut client = SpecServiceClient::connect(target).await.unwrap();
        let request = GenerateRequest {
            image: "app".to_owned(),
            namespace: "default".to_owned(),
            id: "a".to_owned(),
            ..Default::default()
        };
        client.generate(request).await.unwrap_err().code()
    });
    assert_eq!(code, tonic::Code::Unavailable);
    // The last spans are sent at the end.
    assert!(server.stop().success());
    let spans = collector.spans();
    let call = spans.iter().find(|span| span.kind == SpanKind::Server as i32).unwrap();
    assert_eq!(call.name, "specd.v1.SpecService/Generate");
    assert_eq!(attributes(&call.attributes)["error.type"], "UNAVAILABLE");
    assert_eq!(call.status.as_ref().unwrap().code(), StatusCode::Error);
    let resource = collector.resource();
    assert_eq!(resource["service.name"], "specs");
    assert_eq!(resource["deployment.environment.name"], "test");
    assert_eq!(collector.header("x-tenant").as_deref(), Some("ops"));
}

#[test]
fn a_collector_that_cannot_be_used_stops_the_start() {
    for (name, value, words) in [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf", "set it to grpc"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://a:1", "expected http://HOST:PORT"),
    ] {
        let mut command = serve(&["tcp://127.0.0.1:0"]);
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1").env(name, value);
        refused(&mut command, 2, &[&format!("{name}={value}: "), words]);
    }
}
