//! A reader of the log that stops, and refused clients that would fill the log.

use crate::listening::{SOON, lives, serve, unix, wait};
use http_body_util::BodyExt;
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};
use tonic::body::Body;
use tonic::transport::{Channel, Endpoint};
use tower::ServiceExt;

/// A server with a log that nobody reads yet.
struct Unread {
    child: Child,
    address: String,
    _directory: tempfile::TempDir,
}

impl Unread {
    fn start(flags: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("specd.sock");
        let address = unix(&path);
        let mut command = serve(&[&address]);
        let child = command.args(flags).stderr(Stdio::piped()).spawn().unwrap();
        let until = Instant::now() + SOON;
        while !path.exists() || lives(&address).is_err() {
            assert!(Instant::now() < until, "it does not start");
            std::thread::sleep(Duration::from_millis(10));
        }
        Self { child, address, _directory: directory }
    }

    /// Makes calls of a method, and returns how many were answered.
    #[tokio::main(flavor = "current_thread")]
    async fn calls(&self, count: usize, method: &str) -> usize {
        let channel: Channel =
            Endpoint::from_shared(self.address.clone()).unwrap().connect().await.unwrap();
        let mut callers = tokio::task::JoinSet::new();
        // All tests of the server share the CPUs, and one thread answers a connection.
        let until = tokio::time::Instant::now() + SOON * 4;
        for caller in 0..10 {
            let (channel, method) = (channel.clone(), method.to_owned());
            callers.spawn(async move {
                let mut answered = 0;
                for _ in (caller..count).step_by(10) {
                    // An empty message.
                    let body = Body::new("\0\0\0\0\0".to_owned());
                    let request = http::Request::post(&method).body(body).unwrap();
                    // To the end: a client resets the stream of an answer that it drops, and GOAWAY follows after 1,024 of them.
                    let call = async {
                        let answer = channel.clone().oneshot(request).await;
                        let answer = answer.map_err(|error| format!("{error:?}"))?;
                        answer.into_body().collect().await.map_err(|status| status.to_string())
                    };
                    match tokio::time::timeout_at(until, call).await {
                        Ok(Ok(_)) => answered += 1,
                        // The log may have stopped the server.
                        Err(_) => break,
                        Ok(Err(error)) => panic!("after {answered} calls: {error}"),
                    }
                }
                answered
            });
        }
        callers.join_all().await.iter().sum()
    }

    fn stop(&mut self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A method that needs no source.
const METHOD: &str = "/specd.v1.SpecService/ListProfiles";

#[test]
fn a_log_reader_that_stops_stops_neither_calls_nor_health_nor_the_exit() {
    let mut server = Unread::start(&["--log-calls", "all", "--log-format", "json"]);
    // Each call is a line of about 300 bytes, and a pipe holds 64 KiB.
    assert_eq!(server.calls(800, METHOD), 800);
    lives(&server.address).unwrap();
    let stopping = Instant::now();
    server.stop();
    assert!(wait(&mut server.child).success());
    assert!(stopping.elapsed() < Duration::from_secs(5), "{:?}", stopping.elapsed());
}

#[test]
fn lines_that_nobody_read_are_dropped_and_their_number_is_logged_when_the_log_is_read_again() {
    let mut server = Unread::start(&["--log-calls", "all", "--log-format", "json"]);
    // Enough for the pipe and the queue of 256 KiB.
    assert_eq!(server.calls(2500, METHOD), 2500);
    let log = BufReader::new(server.child.stderr.take().unwrap());
    let (counts, counted) = channel();
    std::thread::spawn(move || {
        let (mut calls, mut dropped) = (0, 0);
        for line in log.lines() {
            let line: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
            calls += u64::from(line["method"] == METHOD);
            if line["message"].as_str().unwrap().starts_with("log lines were dropped") {
                dropped += line["lines"].as_u64().unwrap();
            }
            // A report may be dropped and counted too.
            if calls + dropped >= 2500 {
                return counts.send(dropped).unwrap();
            }
        }
    });
    assert!(counted.recv_timeout(SOON).unwrap() > 0);
}

/// The text of the log at the end of a server.
fn log(mut server: Unread, work: impl FnOnce(&Unread)) -> String {
    let mut log = server.child.stderr.take().unwrap();
    let reading = std::thread::spawn(move || {
        let mut text = String::new();
        log.read_to_string(&mut text).unwrap();
        text
    });
    work(&server);
    server.stop();
    wait(&mut server.child);
    reading.join().unwrap()
}

#[test]
fn unknown_methods_cannot_fill_the_log() {
    let started = Instant::now();
    let text = log(Unread::start(&["--log-calls", "all"]), |server| {
        assert_eq!(server.calls(1500, "/no.such.Service/Method"), 1500);
    });
    let seconds = usize::try_from(started.elapsed().as_secs()).unwrap() + 2;
    let lines = text.lines().filter(|line| line.contains("UNIMPLEMENTED")).count();
    assert!((1..=10 * seconds).contains(&lines), "{lines} lines in {seconds} s");
}

#[test]
fn refused_callers_cannot_fill_the_log() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("specd.sock");
    let mut command = serve(&[&unix(&path)]);
    command.args(["--allow-uid", "4242"]).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut log = child.stderr.take().unwrap();
    let reading = std::thread::spawn(move || {
        let mut text = String::new();
        log.read_to_string(&mut text).unwrap();
        text
    });
    let started = Instant::now();
    let mut refused = 0;
    while refused < 1000 {
        assert!(started.elapsed() < SOON, "{refused} connections");
        match std::os::unix::net::UnixStream::connect(&path) {
            Ok(mut stream) => {
                let _ = stream.read(&mut [0]);
                refused += 1;
            }
            Err(_) => std::thread::sleep(Duration::from_millis(1)),
        }
    }
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    wait(&mut child);
    let text = reading.join().unwrap();
    let seconds = usize::try_from(started.elapsed().as_secs()).unwrap() + 2;
    let lines = text.lines().filter(|line| line.contains("is allowed")).count();
    assert!((1..=10 * seconds).contains(&lines), "{lines} lines in {seconds} s");
}

#[test]
fn failed_and_slow_calls_are_logged_by_default_and_none_where_that_is_off() {
    let unknown = "/no.such.Service/Method";
    for (flags, failed, ok) in [
        (&[][..], true, false),
        (&["--log-calls", "all"], true, true),
        (&["--log-calls", "none"], false, false),
        (&["--slow-call", "1ms", "--log-calls", "none"], false, false),
    ] {
        let text = log(Unread::start(flags), |server| {
            server.calls(1, unknown);
            server.calls(1, METHOD);
        });
        assert_eq!(text.contains(unknown), failed, "{flags:?}: {text}");
        assert_eq!(text.contains(METHOD), ok, "{flags:?}: {text}");
    }
}
