//! Other tools than gRPC's clients against `specd serve`: curl, buf in its three protocols, and what grpcurl says of errors.

use crate::serve::{Server, layout, tool};
use serde_json::{Value, json};
use std::process::Command;

const GENERATE: &str = "http://specd/specd.v1.SpecService/Generate";

fn server(layout: &crate::support::layout::Layout) -> Server {
    let root = layout.root().to_str().unwrap();
    let server = Server::start(&["--oci-layout", root, "--platform", "linux/amd64"]);
    server.wait("specd.v1.SpecService");
    server
}

fn socket(server: &Server) -> &str {
    server.socket.strip_prefix("unix://").unwrap()
}

fn request(image: &str) -> String {
    json!({"image": image, "namespace": "default", "id": "web-1", "encoding": "ENCODING_JSON"})
        .to_string()
}

/// What a command prints, on both streams.
fn printed(command: &mut Command, args: &[&str]) -> (bool, String) {
    let output = command.args(args).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

fn check(answer: &str) {
    let answer: Value = serde_json::from_str(answer).unwrap_or_else(|_| panic!("{answer}"));
    let spec: Value = serde_json::from_str(answer["specJson"].as_str().unwrap()).unwrap();
    assert_eq!(spec["process"]["args"], json!(["/bin/app"]), "{answer}");
}

#[test]
fn curl_gets_a_spec_and_an_error() {
    let Some(mut curl) = tool("curl") else { return };
    let layout = layout();
    let server = server(&layout);
    let flags = ["-sS", "--unix-socket", socket(&server), "-H", "content-type: application/json"];
    let body = json!({"image": "app", "namespace": "default", "id": "web-1"}).to_string();
    let (ok, text) = printed(&mut curl, &[&flags[..], &["-d", &body, GENERATE]].concat());
    assert!(ok, "{text}");
    check(&text);

    let message = format!("message={body}");
    let query = ["--get", "--data-urlencode", &message, "-d", "encoding=json", "-d", "connect=v1"];
    let socket = ["-sS", "--unix-socket", socket(&server)];
    let get = [&socket[..], &query, &[GENERATE]].concat();
    let (ok, text) = printed(&mut tool("curl").unwrap(), &get);
    assert!(ok, "{text}");
    check(&text);

    let body = request("absent");
    let (ok, text) = printed(
        &mut tool("curl").unwrap(),
        &[&flags[..], &["--http2-prior-knowledge", "-d", &body, GENERATE]].concat(),
    );
    let error: Value = serde_json::from_str(&text).unwrap();
    assert!(ok && error["code"] == "not_found", "{text}");
    assert_eq!(error["details"][0]["debug"]["reason"], "IMAGE_NOT_FOUND");
}

#[test]
fn buf_calls_in_each_protocol() {
    if tool("buf").is_none() {
        return;
    }
    let layout = layout();
    let server = server(&layout);
    // Reflection is a stream, which Connect's unary protocol does not have; HTTP/2 is for streams.
    let sources = ["--schema", env!("CARGO_MANIFEST_DIR")];
    for (protocol, schema) in [
        ("connect", &sources[..]),
        ("grpc", &["--http2-prior-knowledge"]),
        ("grpcweb", &["--http2-prior-knowledge"]),
        ("grpcweb", &sources),
    ] {
        let call = |image: &str| {
            let body = request(image);
            let flags = ["curl", "--unix-socket", socket(&server), "--protocol", protocol];
            let more = ["-d", &body, GENERATE];
            printed(&mut tool("buf").unwrap(), &[&flags[..], schema, &more].concat())
        };
        let (ok, text) = call("app");
        assert!(ok, "{protocol}: {text}");
        check(&text);
        let (ok, text) = call("absent");
        assert!(!ok && text.contains("not_found"), "{protocol}: {text}");
        // buf has no descriptors of details, and prints what Connect's error says of them.
        let shown = text.contains("\"reason\": \"IMAGE_NOT_FOUND\"");
        assert_eq!(shown, protocol == "connect", "{protocol}: {text}");
    }
}

#[test]
fn grpcurl_shows_the_details_of_an_error() {
    let Some(mut grpcurl) = tool("grpcurl") else { return };
    let layout = layout();
    let server = server(&layout);
    let body = request("absent");
    let args = ["-plaintext", "-d", &body, &server.socket, "specd.v1.SpecService/Generate"];
    let (ok, text) = printed(&mut grpcurl, &args);
    assert!(!ok && text.contains(r#""reason": "IMAGE_NOT_FOUND""#), "{text}");
    let body = request("app");
    let args = ["-plaintext", "-d", &body, &server.socket, "specd.v1.SpecService/Generate"];
    let (ok, text) = printed(&mut tool("grpcurl").unwrap(), &args);
    assert!(ok, "{text}");
    check(&text);
}
