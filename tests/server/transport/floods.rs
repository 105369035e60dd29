//! Floods of frames: whatever becomes of their connection, others are served meanwhile and afterwards.

use crate::support::http2::{
    CONTINUATION, DATA, HEADERS, OPENING, PING, PREFACE, SETTINGS, WINDOW_UPDATE, begun, call,
    frame,
};
use crate::transport::{Server, check, within};
use specd::server::listen::ListenAddress;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic_health::pb::health_check_response::ServingStatus;

const WATCH: &str = "/grpc.health.v1.Health/Watch";

/// How many frames a flood has.
const FRAMES: usize = 50_000;

async fn raw(server: &Server) -> TcpStream {
    let ListenAddress::Tcp(address) = server.address() else { panic!("not TCP") };
    TcpStream::connect(address).await.unwrap()
}

/// Sends the frames on a connection of their own, with or without reading the answers, and checks meanwhile that others are
/// served. The answers of those that do not read fill the socket, so that the flood ends by itself.
async fn flood(start: Vec<u8>, repeated: Vec<u8>, reads: bool) {
    let server = Server::start().await;
    let mut other = server.client().await;
    assert_eq!(check(&mut other, "liveness").await, ServingStatus::Serving);
    let mut stream = raw(&server).await;
    let flooding = tokio::spawn(async move {
        let (mut read, mut write) = stream.split();
        let sending = async {
            let frames = repeated.repeat(FRAMES / 100);
            let _ = write.write_all(&[OPENING, &start].concat()).await;
            for _ in 0..100 {
                // The server may hang up in the middle of it.
                if write.write_all(&frames).await.is_err() {
                    return;
                }
            }
        };
        let reading = async {
            let mut chunk = vec![0; 64 << 10];
            while reads && read.read(&mut chunk).await.is_ok_and(|count| count > 0) {}
            if !reads {
                std::future::pending::<()>().await;
            }
        };
        let both = async {
            tokio::select! {
                () = sending => {}
                () = reading => {}
            }
        };
        let _ = tokio::time::timeout(Duration::from_secs(5), both).await;
    });
    while !flooding.is_finished() {
        assert_eq!(check(&mut other, "liveness").await, ServingStatus::Serving);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut new = server.client().await;
    assert_eq!(check(&mut new, "liveness").await, ServingStatus::Serving);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http2_floods_of_continuation_leave_others_alone() {
    let start = frame(HEADERS, 0, 1, &call(WATCH, &[]));
    flood(start.clone(), frame(CONTINUATION, 0, 1, &[]), true).await;
    flood(start, frame(CONTINUATION, 0, 1, b"\0\x01x\x01y"), true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http2_floods_of_ping_leave_others_alone() {
    for reads in [true, false] {
        flood(vec![], frame(PING, 0, 0, &[7; 8]), reads).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http2_floods_of_settings_leave_others_alone() {
    for reads in [true, false] {
        flood(vec![], frame(SETTINGS, 0, 0, &[0, 1, 0, 0, 16, 0]), reads).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http2_floods_of_empty_data_leave_others_alone() {
    flood(begun(1, WATCH), frame(DATA, 0, 1, &[]), true).await;
    flood(begun(1, WATCH), frame(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 1]), true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http2_slow_prefaces_leave_others_alone() {
    let server = Server::start().await;
    let mut slow = Vec::new();
    for length in 0..50 {
        let mut stream = raw(&server).await;
        stream.write_all(&PREFACE[..length % PREFACE.len()]).await.unwrap();
        slow.push(stream);
    }
    let mut client = within("a client", server.client()).await;
    assert_eq!(check(&mut client, "liveness").await, ServingStatus::Serving);
}
