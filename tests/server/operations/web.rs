//! Connect and gRPC-Web over HTTP/1.1: the same answers, limits, metrics and log lines as in gRPC.

use crate::operations::containerd::IMAGE;
use crate::operations::{Server, metrics, request, within};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prost::Message;
use serde_json::{Value, json};
use specd::api::pb::specd::{GenerateRequest, GenerateResponse, SpecServiceClient};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const GENERATE: &str = "/specd.v1.SpecService/Generate";
const HEALTH: &str = "/grpc.health.v1.Health/Check";

/// A response of HTTP/1.1.
struct Response {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Response {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Sends bytes and reads all that comes back.
async fn send(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let sending = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        // The server may refuse before it has read all.
        let _ = stream.write_all(bytes).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        answer
    };
    within("a response", sending).await
}

async fn call(address: SocketAddr, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
    let mut bytes = format!("POST {path} HTTP/1.1\r\nHost: specd\r\nConnection: close\r\n");
    for (name, value) in headers {
        bytes.push_str(&format!("{name}: {value}\r\n"));
    }
    bytes.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
    read(&send(address, &[bytes.as_bytes(), body].concat()).await)
}

/// Calls by GET, with a query.
async fn get(address: SocketAddr, host: &str, query: &str, headers: &[(&str, &str)]) -> Response {
    let mut head =
        format!("GET {GENERATE}?{query} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    read(&send(address, format!("{head}\r\n").as_bytes()).await)
}

fn read(answer: &[u8]) -> Response {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(answer[..end].to_vec()).unwrap().to_ascii_lowercase();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Response { status, head, body: answer[end + 4..].to_vec() }
}

async fn post(address: SocketAddr, path: &str, json: &Value) -> Response {
    call(address, path, &[("Content-Type", "application/json")], json.to_string().as_bytes()).await
}

fn asked() -> Value {
    json!({"image": IMAGE, "namespace": "functions", "id": "app-1"})
}

#[tokio::test]
async fn a_call_in_json_has_the_answer_of_grpc() {
    let server = Server::start(&[]).await;
    let wanted = server.generate(request()).await.unwrap();
    let response = post(server.address, GENERATE, &asked()).await;
    assert_eq!(response.status, 200, "{}", response.head);
    assert!(response.head.contains("\r\ncontent-type: application/json\r\n"), "{}", response.head);
    assert!(response.head.contains("\r\nx-request-id: "), "{}", response.head);
    assert!(!response.head.contains("grpc-"), "{}", response.head);
    let answer = response.json();
    assert_eq!(answer["specJson"].as_str().unwrap().as_bytes(), wanted.spec.unwrap().value);
    assert_eq!(answer["spec"], Value::Null);
    assert_eq!(answer["container"]["runtime"]["optionsJson"], "{}");
    assert_eq!(answer["image"]["name"], wanted.image.unwrap().name);
    let again = post(server.address, GENERATE, &asked()).await;
    assert_eq!(again.body, response.body);

    let liveness = json!({"service": "liveness"});
    let health = post(server.address, HEALTH, &liveness).await;
    assert_eq!(health.json(), json!({"status": "SERVING"}));
}

#[tokio::test]
async fn a_call_in_protobuf_has_the_answer_of_grpc() {
    let server = Server::start(&[]).await;
    let wanted = server.generate(request()).await.unwrap();
    let body = request().into_inner().encode_to_vec();
    let headers = [("Content-Type", "application/proto"), ("Connect-Protocol-Version", "1")];
    let response = call(server.address, GENERATE, &headers, &body).await;
    assert_eq!(response.status, 200);
    assert_eq!(GenerateResponse::decode(response.body.as_slice()).unwrap(), wanted);
}

#[tokio::test]
async fn a_call_by_get_has_the_answer_of_post() {
    let server = Server::start(&[]).await;
    let (json, wanted) = (asked(), post(server.address, GENERATE, &asked()).await);
    let json: String = json.to_string().bytes().map(|byte| format!("%{byte:02x}")).collect();
    let query = format!("connect=v1&encoding=json&message={json}");
    let response = get(server.address, "127.0.0.1", &query, &[]).await;
    assert_eq!((response.status, response.body), (200, wanted.body));
    let message = URL_SAFE_NO_PAD.encode(request().into_inner().encode_to_vec());
    let query = format!("connect=v1&encoding=proto&base64=1&message={message}");
    let response = get(server.address, "localhost:1", &query, &[]).await;
    let wanted = server.generate(request()).await.unwrap();
    assert_eq!(GenerateResponse::decode(response.body.as_slice()).unwrap(), wanted);

    for (query, status, words) in [
        ("encoding=json&message=%7B%22image%22%3A%22absent%22%7D", 400, "namespace"),
        ("encoding=json&message=%7B", 400, "EOF while parsing"),
        ("encoding=proto&base64=1&message=%20", 400, "message is not base64 for URLs"),
        ("message=%7B%7D", 400, "encoding=json or encoding=proto"),
        ("encoding=json&message=%7B%7D&compression=gzip", 501, "compressed requests"),
    ] {
        let response = get(server.address, "[::1]:1", query, &[]).await;
        assert_eq!(response.status, status, "{query}");
        assert!(response.json().to_string().contains(words), "{query}: {}", response.json());
    }
    for (host, headers) in [
        ("example.com", &[][..]),
        ("127.0.0.1", &[("Sec-Fetch-Site", "same-origin")]),
        ("127.0.0.1", &[("Origin", "http://example.com")]),
    ] {
        let response = get(server.address, host, "encoding=json&message=%7B%7D", headers).await;
        let text = String::from_utf8(response.body).unwrap();
        assert_eq!(response.status, 403, "{text}");
        assert!(text.contains("requests of web pages are refused"), "{text}");
    }
}

#[tokio::test]
async fn an_error_has_its_details() {
    let server = Server::start(&[]).await;
    let absent = json!({"image": "absent", "namespace": "functions", "id": "app-1"});
    let response = post(server.address, GENERATE, &absent).await;
    assert_eq!(response.status, 404);
    let error = response.json();
    assert_eq!(error["code"], "not_found");
    assert!(error["message"].as_str().unwrap().starts_with("image not found"), "{error}");
    let detail = &error["details"][0];
    assert_eq!(detail["type"], "google.rpc.ErrorInfo");
    assert_eq!(detail["debug"]["reason"], "IMAGE_NOT_FOUND");
    assert!(detail["value"].is_string());

    let wrong = json!({"image": IMAGE, "namespace": "a/b", "id": "app-1"});
    let response = post(server.address, GENERATE, &wrong).await;
    assert_eq!((response.status, &response.json()["code"]), (400, &json!("invalid_argument")));
    assert!(response.json().to_string().contains("\"field\":\"namespace\""), "{}", response.json());
}

#[tokio::test]
async fn what_is_no_message_is_refused_with_the_place() {
    let server = Server::start(&[]).await;
    for (body, words) in [
        (r#"{"imag": "a"}"#, "imag: unknown field, did you mean \"image\"?"),
        (r#"{"image": 7}"#, "image: expected a string, found 7"),
        ("{", "EOF while parsing"),
        ("", "EOF while parsing"),
        ("\u{1}", "expected value"),
    ] {
        let headers = [("Content-Type", "application/json")];
        let response = call(server.address, GENERATE, &headers, body.as_bytes()).await;
        let error = response.json();
        assert_eq!((response.status, &error["code"]), (400, &json!("invalid_argument")), "{body}");
        assert!(error["message"].as_str().unwrap().contains(words), "{error}");
        assert_eq!(error["details"][0]["debug"]["reason"], "INVALID_REQUEST");
    }
}

#[tokio::test]
async fn a_request_is_bounded_before_it_is_read() {
    let server = Server::start(&[]).await;
    let with_env = |env: Vec<String>| {
        let mut request = asked();
        request["options"] = json!({"process": {"env": env}});
        request
    };
    let large = with_env(vec![format!("A={}", "x".repeat(105_000)); 10]);
    let response = post(server.address, GENERATE, &large).await;
    assert_eq!((response.status, &response.json()["code"]), (429, &json!("resource_exhausted")));
    assert_eq!(response.json()["details"][0]["debug"]["reason"], "LIMIT_EXCEEDED");

    let many = with_env(vec!["A=1".to_owned(); 9000]);
    let response = post(server.address, GENERATE, &many).await;
    assert!(response.json().to_string().contains("must have at most 8192 elements"));

    // Each of these takes a thousand bytes in memory.
    let mounts = vec![json!({"source": "a"}); 10_000];
    let response =
        post(server.address, GENERATE, &json!({"options": {"mounts": {"add": mounts}}})).await;
    assert!(response.json()["message"].as_str().unwrap().contains("more than 20000 JSON values"));
    let deep = format!("{}{}", r#"{"options":"#.repeat(40), "}".repeat(40));
    let headers = [("Content-Type", "application/json")];
    let response = call(server.address, GENERATE, &headers, deep.as_bytes()).await;
    assert!(response.json()["message"].as_str().unwrap().contains("nested deeper than 32"));
}

#[tokio::test]
async fn deadlines_and_shedding_are_those_of_grpc() {
    let server = Server::start(&["--max-in-flight", "1"]).await;
    server.containerd.hangs(true);
    let started = Instant::now();
    let headers = [("Content-Type", "application/json"), ("Connect-Timeout-Ms", "300")];
    let body = asked().to_string();
    let response = call(server.address, GENERATE, &headers, body.as_bytes()).await;
    assert_eq!((response.status, &response.json()["code"]), (504, &json!("deadline_exceeded")));
    assert!(started.elapsed() < Duration::from_secs(20));

    let mut client = SpecServiceClient::new(server.channel().await);
    let waiting = tokio::spawn(async move { client.generate(request()).await });
    within("a call at containerd", server.containerd.runs(1)).await;
    let response = post(server.address, GENERATE, &asked()).await;
    assert_eq!((response.status, &response.json()["code"]), (429, &json!("resource_exhausted")));
    assert!(response.json().to_string().contains("OVERLOADED"));
    waiting.abort();
}

#[tokio::test]
async fn calls_are_counted_with_the_codes_of_grpc() {
    let (server, metrics) = metrics::start(&[]).await;
    post(server.address, GENERATE, &asked()).await;
    post(server.address, GENERATE, &json!({})).await;
    for code in ["OK", "InvalidArgument"] {
        let labels = format!(
            "grpc_service=\"specd.v1.SpecService\",grpc_method=\"Generate\",grpc_code=\"{code}\""
        );
        metrics::has(metrics, &format!("grpc_server_handled_total{{{labels}}}"), 1.0).await;
    }
    metrics::has(metrics, "specd_in_flight", 0.0).await;
}

#[tokio::test]
async fn what_is_no_call_is_refused_in_words() {
    let server = Server::start(&[]).await;
    let json = [("Content-Type", "application/json")];
    for (path, headers, status, words) in [
        (GENERATE, &[][..], 415, "POST /SERVICE/METHOD"),
        (GENERATE, &[("Content-Type", "text/plain")][..], 415, "POST /SERVICE/METHOD"),
        (GENERATE, &[("Content-Type", "application/grpc")][..], 415, "gRPC over HTTP/2"),
        (
            GENERATE,
            &[("Content-Type", "application/json"), ("Origin", "http://example.com")][..],
            403,
            "requests of web pages are refused",
        ),
        ("/specd.v1.SpecService/None", &json[..], 501, "no method /specd.v1.SpecService/None"),
        ("/grpc.health.v1.Health/Watch", &json[..], 501, "with one request and one response"),
        (
            GENERATE,
            &[("Content-Type", "application/json"), ("Content-Encoding", "gzip")][..],
            501,
            "without content-encoding",
        ),
    ] {
        let response = call(server.address, path, headers, b"{}").await;
        let text = String::from_utf8(response.body).unwrap();
        assert_eq!(response.status, status, "{text}");
        assert!(text.contains(words), "{text}");
    }
    let get = format!(
        "GET {HEALTH} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
    );
    let answer = send(server.address, get.as_bytes()).await;
    assert!(answer.starts_with(b"HTTP/1.1 405 "), "{}", String::from_utf8_lossy(&answer));
}

#[tokio::test]
async fn a_client_that_sends_its_headers_slowly_is_closed() {
    let server = Server::start(&["--handshake-timeout", "500ms"]).await;
    for begun in ["POST / HT", "POST /specd.v1.SpecService/Generate HTTP/1.1\r\nHost: a\r\n"] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(begun.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // Closed, in whatever way.
        let _ = within("the end", stream.read_to_end(&mut answer)).await;
    }
    let long =
        format!("POST {GENERATE} HTTP/1.1\r\nHost: a\r\nX-Long: {}\r\n\r\n", "x".repeat(64 << 10));
    let answer = send(server.address, long.as_bytes()).await;
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 431 "), "{answer:?}");
}

#[tokio::test]
async fn grpc_web_has_the_answer_of_grpc() {
    let server = Server::start(&[]).await;
    let wanted = server.generate(request()).await.unwrap();
    let message = request().into_inner().encode_to_vec();
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    let framed = [&[0][..], &length, &message].concat();
    let headers = [("Content-Type", "application/grpc-web+proto")];
    let response = call(server.address, GENERATE, &headers, &framed).await;
    assert_eq!(response.status, 200);
    let (message, trailers) = (&wanted.encode_to_vec(), b"grpc-status:0");
    assert!(
        response.head.contains("content-type: application/grpc-web+proto"),
        "{}",
        response.head
    );
    let has = |bytes: &[u8]| response.body.windows(bytes.len()).any(|window| window == bytes);
    assert!(has(trailers), "{:?}", String::from_utf8_lossy(&response.body));
    assert!(has(&message[..200]));

    let bad = GenerateRequest::default().encode_to_vec();
    let framed = [&[0, 0, 0, 0, 0][..], &bad].concat();
    let response = call(server.address, GENERATE, &headers, &framed).await;
    assert!(response.head.contains("grpc-status: 3"), "{}", response.head);
}

#[tokio::test]
async fn without_the_protocols_there_is_grpc_alone() {
    let server = Server::start(&["--no-http-json"]).await;
    server.generate(request()).await.unwrap();
    let body = asked().to_string();
    let post = format!(
        "POST {GENERATE} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = send(server.address, post.as_bytes()).await;
    assert!(!answer.starts_with(b"HTTP/1.1"), "{}", String::from_utf8_lossy(&answer));
}
