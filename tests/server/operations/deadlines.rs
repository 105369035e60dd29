//! How long a call may take, down to containerd.

use crate::operations::{Server, request, within};
use specd::api::pb::specd::SpecServiceClient;
use std::time::{Duration, Instant};
use tonic::Code;
use tonic_types::StatusExt;

/// A client says what it waits and stops on its own clock, so the header goes without the client's timer.
fn with_timeout(header: &'static str) -> tonic::Request<specd::api::pb::specd::GenerateRequest> {
    let mut request = request();
    request.metadata_mut().insert("grpc-timeout", header.parse().unwrap());
    request
}

#[tokio::test]
async fn an_expired_deadline_is_deadline_exceeded() {
    let server = Server::start(&["--call-timeout", "300ms"]).await;
    server.containerd.hangs(true);
    // The server's own bound is the shorter one, so it is the server that answers.
    let status = server.generate(with_timeout("20S")).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
    assert_eq!(status.get_details_error_info().unwrap().reason, "DEADLINE_EXCEEDED");
    within("the call at containerd to end", server.containerd.runs(0)).await;
}

#[tokio::test]
async fn a_call_without_a_deadline_gets_a_default_one() {
    let server = Server::start(&["--call-timeout", "300ms"]).await;
    server.containerd.hangs(true);
    let status = server.generate(request()).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
}

/// Milliseconds in a `grpc-timeout` header.
fn millis(header: &str) -> u64 {
    header.strip_suffix('m').unwrap().parse().unwrap()
}

#[tokio::test]
async fn the_remaining_budget_goes_on_to_containerd() {
    let server = Server::start(&[]).await;
    server.generate(with_timeout("9S")).await.unwrap();
    for method in ["Images/Get", "Content/Read"] {
        let timeouts = server.containerd.headers(method, "grpc-timeout");
        assert!(!timeouts.is_empty(), "{method} was not called");
        for timeout in timeouts {
            let left = millis(&timeout.unwrap());
            assert!((1..=9_100).contains(&left), "{method}: {left}");
        }
    }
    // Without a deadline of the caller's it is the default one; a ping is nobody's call.
    server.generate(request()).await.unwrap();
    let last = server.containerd.headers("Images/Get", "grpc-timeout").pop().unwrap().unwrap();
    assert!((30_000..=60_100).contains(&millis(&last)), "{last}");
    let pings = server.containerd.headers("Version/Version", "grpc-timeout");
    assert!(!pings.is_empty() && pings.iter().all(Option::is_none));
}

#[tokio::test]
async fn a_dropped_client_aborts_its_upstream_calls() {
    let server = Server::start(&[]).await;
    server.containerd.hangs(true);
    let mut fastest = Duration::MAX;
    // The bound is 100 ms; on a busy machine one of a few tries has to keep it.
    for _ in 0..10 {
        let mut client = SpecServiceClient::new(server.channel().await);
        let call = tokio::spawn(async move { client.generate(request()).await });
        within("the call at containerd", server.containerd.runs(1)).await;
        call.abort();
        let dropped = Instant::now();
        within("the call at containerd to end", server.containerd.runs(0)).await;
        fastest = fastest.min(dropped.elapsed());
        if fastest < Duration::from_millis(100) {
            return;
        }
    }
    panic!("it took {fastest:?} at best");
}

#[tokio::test]
async fn calls_fail_at_once_while_containerd_does_not_answer() {
    let server = Server::start(&[]).await;
    server.generate(request()).await.unwrap();
    server.containerd.stops(true);
    // One that waits when it is noticed, and one that comes later.
    for _ in 0..2 {
        let begun = Instant::now();
        let status = server.generate(with_timeout("25S")).await.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable, "{status:?}");
        assert_eq!(status.get_details_error_info().unwrap().reason, "SOURCE_UNAVAILABLE");
        assert!(status.get_details_retry_info().is_some(), "{status:?}");
        assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    }
    within("the calls at containerd to end", server.containerd.runs(0)).await;
    server.containerd.stops(false);
    within("containerd to be noticed", async {
        while server.generate(request()).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_containerd_that_is_slow_and_answers_pings_has_its_time() {
    let server = Server::start(&["--call-timeout", "3s"]).await;
    server.containerd.hangs(true);
    let status = server.generate(request()).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
}
