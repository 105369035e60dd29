//! What is logged of a call, and what never is; and the flags and signals of the command.

use crate::logs::Logs;
use crate::operations::{FakeContainerd, IMAGE, Server, request, within};
use rustix::process::{Pid, Signal, kill_process};
use specd::api::pb::specd::{ProcessOptions, SpecOptions, UserOptions};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

#[tokio::test]
async fn one_line_a_call_with_request_id_peer_namespace_digest_code_and_latency() {
    let (logs, _guard) = Logs::keep("info");
    let server = Server::start(&["--log-calls", "all"]).await;
    let mut asked = request();
    asked.metadata_mut().insert("x-request-id", "r-1".parse().unwrap());
    let digest = server.generate(asked).await.unwrap().image.unwrap().digest;
    within("the line", async {
        while logs.with("call").is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    })
    .await;
    let calls = logs.with("call");
    assert_eq!(calls.len(), 1, "{calls:?}");
    let (line, span) = (&calls[0], &calls[0]["spans"][0]);
    assert_eq!(line["code"], "OK");
    assert_eq!(line["method"], "/specd.v1.SpecService/Generate");
    assert!(line["latency_us"].is_u64());
    assert!(line["peer"].as_str().unwrap().starts_with("127.0.0.1:"), "{line}");
    assert_eq!(span["request_id"], "r-1");
    assert_eq!(span["namespace"], "functions");
    assert_eq!(span["digest"], digest);
}

/// What an operator needs at night: why the call failed, and for which image.
#[tokio::test]
async fn the_line_of_a_failed_call_has_its_reason_and_its_image() {
    let (logs, _guard) = Logs::keep("info");
    let server = Server::start(&[]).await;
    let mut absent = request();
    absent.get_mut().image = "docker.io/library/absent:1".to_owned();
    server.generate(absent).await.unwrap_err();
    let mut refused = request();
    let user = UserOptions { user: Some("nobody-has-it".to_owned()), ..Default::default() };
    refused.get_mut().options = Some(SpecOptions { user: Some(user), ..Default::default() }.into());
    server.generate(refused).await.unwrap_err();
    within("the lines", async {
        while logs.with("call").len() < 2 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    })
    .await;
    let calls = logs.with("call");
    let span = &calls[0]["spans"][0];
    assert_eq!(calls[0]["code"], "NOT_FOUND");
    assert_eq!(
        (&span["reason"], &span["image"]),
        (&"IMAGE_NOT_FOUND".into(), &"docker.io/library/absent:1".into())
    );
    let span = &calls[1]["spans"][0];
    assert_eq!(span["reason"], "USER_NOT_FOUND", "{span}");
    assert!(span["digest"].as_str().unwrap().starts_with("sha256:"), "{span}");
}

#[tokio::test]
async fn env_values_labels_and_specs_are_never_logged() {
    let (logs, _guard) = Logs::keep("trace");
    let containerd = FakeContainerd::new(
        &["FROM_IMAGE=secret-of-the-image"],
        &[("org.example.token", "secret-in-a-label"), ("containerd.io/x", "secret-and-unsafe")],
    );
    let server = Server::start_with(containerd, &[]).await;
    let mut asked = request();
    let env = vec!["FROM_CALLER=secret-of-the-caller".to_owned()];
    let command =
        Some(specd::api::pb::specd::StringList { values: vec!["secret-argument".to_owned()] });
    let process = Some(ProcessOptions { env, command, ..Default::default() });
    asked.get_mut().options = Some(SpecOptions { process, ..Default::default() }.into());
    let answer = server.generate(asked).await.unwrap();
    let spec = String::from_utf8(answer.spec.unwrap().value).unwrap();
    assert!(spec.contains("secret-of-the-image") && spec.contains("secret-of-the-caller"));
    // And what is refused.
    for bad in ["=secret-without-a-key", "A=secret\0NUL"] {
        let mut asked = request();
        let process = Some(ProcessOptions { env: vec![bad.to_owned()], ..Default::default() });
        asked.get_mut().options = Some(SpecOptions { process, ..Default::default() }.into());
        asked.get_mut().image = IMAGE.to_owned();
        server.generate(asked).await.unwrap_err();
    }
    let text = logs.text();
    let ours: Vec<_> = text
        .lines()
        .filter(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            line["target"].as_str().unwrap().starts_with("specd")
        })
        .collect();
    assert!(ours.iter().any(|line| line.contains("spec made")), "{ours:?}");
    for line in ours {
        assert!(!line.contains("secret"), "{line}");
        assert!(!line.contains("ociVersion"), "{line}");
    }
}

fn specd() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_specd"));
    command.env_clear();
    command
}

#[test]
fn print_config_prints_what_is_in_effect_and_binds_nothing() {
    let output = specd()
        .args(["serve", "--print-config", "--listen", "unix:///no/such/directory/s.sock"])
        .env("SPECD_MAX_STREAMS", "7")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let config: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(config["max-streams"], 7);
    assert_eq!(config["listen"], serde_json::json!(["unix:///no/such/directory/s.sock"]));
    assert_eq!(config["drain-timeout"], "10s");
    assert_eq!(config["insecure-tcp"], false);
    assert_eq!(config["metrics-listen"], serde_json::Value::Null);

    let output = specd().args(["serve", "--print-config", "--max-streams", "0"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

#[test]
fn a_signal_changes_the_log_level_of_a_running_server() {
    let directory = tempfile::tempdir().unwrap();
    let socket = format!("unix://{}/s.sock", directory.path().display());
    let mut server = specd()
        .args(["serve", "--log", "warn", "--log-format", "json", "--listen", &socket])
        .args(["--containerd", "/no/such/containerd.sock", "--drain-timeout", "1s"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stderr.take().unwrap()).lines();
    let mut next = |wanted: &str| {
        for line in lines.by_ref() {
            let line = line.unwrap();
            if line.contains(wanted) {
                return line;
            }
        }
        panic!("no {wanted} in the log");
    };
    // It says that containerd is not there once it runs.
    next("not ready");
    let pid = Pid::from_child(&server);
    kill_process(pid, Signal::USR1).unwrap();
    assert!(next("SIGUSR1").contains("warn,specd=debug"));
    let health = specd().args(["health", "--server", &socket]).output().unwrap();
    assert_eq!(health.status.code(), Some(1));
    assert!(next("Health/Check").contains("\"DEBUG\""));
    kill_process(pid, Signal::USR1).unwrap();
    assert!(!next("SIGUSR1").contains("debug"));
    kill_process(pid, Signal::TERM).unwrap();
    assert!(server.wait().unwrap().success());
}
