//! Explain, as a call: what it answers beside Generate, and what bounds it.

use crate::api::{IMAGE, request, service};
use crate::support::layout::{Gzip, Layout, file};
use serde_json::json;
use specd::api::pb::specd::origin::Kind;
use specd::api::pb::specd::{
    AccountOrigin, ExplainRequest, ExplainedField, GenerateRequest, ProfileOrigin, SpecService,
};
use tonic::{Code, Request};
use tonic_types::StatusExt;

fn layout() -> Layout {
    let mut layout = Layout::temp();
    let layer = layout.layer(Gzip, &[file("etc/passwd", "app:x:7:8::/:/bin/sh\n")]);
    let config =
        json!({"os": "linux", "architecture": "amd64", "config": {"Cmd": ["x"], "User": "app"}});
    let image = layout.image(config, &[layer]);
    layout.tag(IMAGE, &image.manifest);
    layout
}

fn asked(request: GenerateRequest) -> Request<ExplainRequest> {
    Request::new(ExplainRequest { request: Some(request) })
}

fn origin<'a>(fields: &'a [ExplainedField], path: &str) -> &'a Kind {
    let field = fields.iter().find(|field| field.path == path).unwrap();
    field.origin.as_ref().unwrap().kind.as_ref().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_is_generates_with_an_origin_for_each_leaf() {
    let layout = layout();
    let service = service(layout.source());
    let generated = service.generate(Request::new(request("default"))).await.unwrap().into_inner();
    let explained = service.explain(asked(request("default"))).await.unwrap().into_inner();
    assert_eq!(explained.generated, Some(generated));
    let fields = &explained.fields;
    let file = "function.json".to_owned();
    let line = ProfileOrigin { name: "function".to_owned(), file, line: 6 };
    assert_eq!(origin(fields, "/ociVersion"), &Kind::Profile(line));
    assert_eq!(origin(fields, "/process/args/0"), &Kind::ImageField("config.Cmd[0]".to_owned()));
    let asked = "image config.User \"app\"".to_owned();
    let account = AccountOrigin { asked, file: "/etc/passwd".to_owned(), line: 1 };
    assert_eq!(origin(fields, "/process/user/uid"), &Kind::Account(account));
}

#[tokio::test(flavor = "multi_thread")]
async fn violations_are_named_as_generate_names_them() {
    let layout = layout();
    let service = service(layout.source());
    let status = service.explain(Request::new(ExplainRequest::default())).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let violations = status.get_details_bad_request().unwrap().field_violations;
    let fields: Vec<&str> = violations.iter().map(|violation| violation.field.as_str()).collect();
    assert_eq!(fields, ["image", "namespace", "id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_over_the_limit_is_refused() {
    let layout = layout();
    let service = service(layout.source()).with_answers_of(8 << 10);
    assert!(service.generate(Request::new(request("default"))).await.is_ok());
    let status = service.explain(asked(request("default"))).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(status.get_details_error_info().unwrap().reason, "LIMIT_EXCEEDED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_has_the_time_that_its_caller_leaves() {
    let layout = layout();
    let service = service(layout.source());
    let mut request = asked(request("default"));
    request.metadata_mut().insert("grpc-timeout", "1n".parse().unwrap());
    let status = service.explain(request).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
}
