//! What `GET /metrics` answers.

use crate::operations::{Server, request, within};
use clap::CommandFactory;
use specd::api::pb::specd::{GenerateRequest, SpecServiceClient};
use specd::commands::Cli;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::body::Body;
use tower::ServiceExt;

async fn http(address: SocketAddr, request: &str) -> String {
    let asking = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    within("a page", asking).await
}

async fn get(address: SocketAddr, path: &str) -> String {
    http(address, &format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")).await
}

pub(crate) async fn start(flags: &[&str]) -> (Server, SocketAddr) {
    let flags = [&["--metrics-listen", "tcp://127.0.0.1:0"], flags].concat();
    let server = Server::start(&flags).await;
    let address = server.metrics.unwrap();
    (server, address)
}

/// The value of one series, by its name and labels as they are written.
fn value(page: &str, series: &str) -> f64 {
    let line = page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {series} in\n{page}")).trim().parse().unwrap()
}

pub(crate) async fn has(address: SocketAddr, series: &str, wished: f64) {
    let waiting = async {
        while (value(&get(address, "/metrics").await, series) - wished).abs() > f64::EPSILON {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    within(series, waiting).await;
}

const GENERATE: &str = "grpc_service=\"specd.v1.SpecService\",grpc_method=\"Generate\"";

#[tokio::test]
async fn metrics_are_openmetrics_and_nothing_else_is_served() {
    let (_server, address) = start(&[]).await;
    let page = get(address, "/metrics").await;
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{page}");
    assert!(page.contains("content-type: application/openmetrics-text; version=1.0.0"), "{page}");
    assert!(page.ends_with("# EOF\n"), "{page}");
    assert!(get(address, "/").await.starts_with("HTTP/1.1 404 "));
    let post =
        http(address, "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").await;
    assert!(post.starts_with("HTTP/1.1 405 "), "{post}");
}

const DOCS: &str = include_str!("../../../docs/operations.md");

/// The names in the first column of the tables of the docs.
fn documented(prefixes: &[&str]) -> BTreeSet<String> {
    DOCS.lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(name, _)| name.to_owned())
        .filter(|name| prefixes.iter().any(|prefix| name.starts_with(prefix)))
        .collect()
}

#[test]
fn every_limit_is_a_documented_flag() {
    let command = Cli::command();
    let serve = command.find_subcommand("serve").unwrap();
    let flags: BTreeSet<String> = serve
        .get_opts()
        .filter(|flag| flag.get_help_heading() == Some("Limits"))
        .map(|flag| format!("--{}", flag.get_long().unwrap()))
        .collect();
    assert!(flags.len() >= 12, "{flags:?}");
    let missing: Vec<_> = flags.difference(&documented(&["--"])).cloned().collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[tokio::test]
async fn every_documented_metric_is_exported() {
    let (server, address) = start(&[]).await;
    server.generate(request()).await.unwrap();
    let page = get(address, "/metrics").await;
    let families: BTreeSet<String> = page
        .lines()
        .filter_map(|line| {
            let (name, kind) = line.strip_prefix("# TYPE ")?.split_once(' ')?;
            let ending = match kind {
                "counter" => "_total",
                "info" => "_info",
                _ => "",
            };
            Some(format!("{name}{ending}"))
        })
        .collect();
    assert_eq!(families, documented(&["grpc_", "specd_"]));
    for name in [
        "grpc_server_started_total{grpc_service=",
        "grpc_server_handled_total{grpc_service=",
        "grpc_server_handling_seconds_bucket{le=\"0.00005\",grpc_service=",
        "grpc_server_handling_seconds_count{",
        "specd_stage_seconds_bucket{le=\"0.00005\",stage=",
        "specd_cache_hits_total{cache=\"description\"}",
        "specd_cache_misses_total{cache=\"accounts\"}",
        "specd_cache_bytes{cache=",
        "specd_cache_evictions_total{cache=",
        "specd_containerd_calls_total{method=",
        "specd_in_flight ",
        "specd_shed_total ",
        "specd_connections ",
        "specd_accept_errors_total ",
        "specd_source_up ",
        "specd_build_info{version=\"",
    ] {
        assert!(page.lines().any(|line| line.starts_with(name)), "no {name} in\n{page}");
    }
}

#[tokio::test]
async fn calls_are_counted_by_method_and_code() {
    let (server, address) = start(&[]).await;
    has(address, &format!("grpc_server_started_total{{{GENERATE}}}"), 0.0).await;
    for _ in 0..3 {
        server.generate(request()).await.unwrap();
    }
    let unknown = GenerateRequest { image: "no.such/image:1".to_owned(), ..request().into_inner() };
    server.generate(tonic::Request::new(unknown)).await.unwrap_err();
    for path in ["/x.Y/Z", "/x.Y/W"] {
        let request = http::Request::post(path).body(Body::empty()).unwrap();
        server.channel().await.oneshot(request).await.unwrap();
    }
    for (series, wished) in [
        (format!("grpc_server_started_total{{{GENERATE}}}"), 4.0),
        (format!("grpc_server_handled_total{{{GENERATE},grpc_code=\"OK\"}}"), 3.0),
        (format!("grpc_server_handled_total{{{GENERATE},grpc_code=\"NotFound\"}}"), 1.0),
        (format!("grpc_server_handling_seconds_count{{{GENERATE}}}"), 4.0),
        (
            "grpc_server_handled_total{grpc_service=\"unknown\",grpc_method=\"unknown\",grpc_code=\"Unimplemented\"}".to_owned(),
            2.0,
        ),
        ("specd_stage_seconds_count{stage=\"resolve\"}".to_owned(), 4.0),
        ("specd_stage_seconds_count{stage=\"describe\"}".to_owned(), 3.0),
        // The second call makes a template too.
        ("specd_stage_seconds_count{stage=\"assemble\"}".to_owned(), 3.0),
        ("specd_stage_seconds_count{stage=\"copy\"}".to_owned(), 1.0),
        ("specd_cache_hits_total{cache=\"description\"}".to_owned(), 2.0),
        ("specd_cache_misses_total{cache=\"description\"}".to_owned(), 1.0),
        ("specd_cache_evictions_total{cache=\"description\"}".to_owned(), 0.0),
        ("specd_containerd_calls_total{method=\"Images.Get\",code=\"OK\"}".to_owned(), 3.0),
        ("specd_containerd_calls_total{method=\"Images.Get\",code=\"NotFound\"}".to_owned(), 1.0),
        ("specd_containerd_calls_total{method=\"Content.Read\",code=\"OK\"}".to_owned(), 2.0),
        ("specd_in_flight".to_owned(), 0.0),
        ("specd_source_up".to_owned(), 1.0),
    ] {
        has(address, &series, wished).await;
    }
    let page = get(address, "/metrics").await;
    assert!(value(&page, "specd_cache_bytes{cache=\"description\"}") > 100.0);
}

#[tokio::test]
async fn calls_in_flight_shed_ones_and_connections_are_counted() {
    let (server, address) = start(&["--max-in-flight", "1"]).await;
    server.containerd.hangs(true);
    let mut client = SpecServiceClient::new(server.channel().await);
    let waiting = tokio::spawn(async move { client.generate(request()).await });
    within("a call at containerd", server.containerd.runs(1)).await;
    has(address, "specd_in_flight", 1.0).await;
    has(address, "specd_connections", 1.0).await;
    server.generate(request()).await.unwrap_err();
    has(address, "specd_shed_total", 1.0).await;
    waiting.abort();
    has(address, "specd_in_flight", 0.0).await;
    has(address, "specd_connections", 0.0).await;
    has(address, "specd_containerd_calls_total{method=\"Images.Get\",code=\"Canceled\"}", 1.0)
        .await;
}

#[tokio::test]
async fn metrics_are_nowhere_unless_an_address_is_given_and_then_there() {
    let flags = ["--listen", "tcp://127.0.0.1:0", "--metrics-listen", "tcp://0.0.0.0:0"];
    assert!(crate::operations::bind(&flags).await.metrics_address().is_some());
    assert!(crate::operations::bind(&flags[..2]).await.metrics_address().is_none());
}

#[tokio::test]
async fn metrics_are_there_while_the_server_drains() {
    let (server, address) = start(&[]).await;
    server.containerd.hangs(true);
    let mut client = SpecServiceClient::new(server.channel().await);
    let waiting = tokio::spawn(async move { client.generate(request()).await });
    within("a call at containerd", server.containerd.runs(1)).await;
    server.shutdown.request();
    has(address, "specd_source_up", 0.0).await;
    has(address, "specd_in_flight", 1.0).await;
    waiting.abort();
    within("the server to end", server.running).await.unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}
