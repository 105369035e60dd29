//! `specd serve` and `specd health`, and standard tools against them.

use crate::support::layout::Layout;
use crate::support::say::say;
use crate::{run, specd};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The file that a server's log goes to.
const LOG: &str = "log";

/// A server that runs; it is ended with this.
pub(crate) struct Server {
    pub(crate) process: Child,
    pub(crate) socket: String,
    directory: tempfile::TempDir,
}

impl Server {
    pub(crate) fn start(source: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let socket = format!("unix://{}/specd.sock", directory.path().display());
        let mut args = vec!["serve", "--listen", &socket];
        args.extend(source);
        let log = File::create(directory.path().join(LOG)).unwrap();
        let process = specd(&args).stderr(Stdio::from(log)).spawn().unwrap();
        let server = Self { process, socket, directory };
        server.wait("liveness");
        server
    }

    /// Waits until a service is served; a minute is for machines under load.
    pub(crate) fn wait(&self, service: &str) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while run(&["health", "--server", &self.socket, "--service", service]).code != Some(0) {
            assert!(Instant::now() < deadline, "{service} is not served");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until the log has these words.
    pub(crate) fn says(&self, words: &str) {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let log = fs::read_to_string(self.directory.path().join(LOG)).unwrap();
            if log.contains(words) {
                return;
            }
            assert!(Instant::now() < deadline, "{words:?} is not in {log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn socket_path(&self) -> &Path {
        Path::new(self.socket.strip_prefix("unix://").unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A layout with an image `app`.
pub(crate) fn layout() -> Layout {
    let mut layout = Layout::temp();
    let config = json!({"os": "linux", "architecture": "amd64", "config": {"Cmd": ["/bin/app"]}});
    let image = layout.image(config, &[]);
    layout.tag("app", &image.manifest);
    layout
}

#[test]
fn a_server_answers_the_command_and_ends_in_order() {
    let layout = layout();
    let root = layout.root().to_str().unwrap();
    let mut server = Server::start(&["--oci-layout", root, "--platform", "linux/amd64"]);
    server.wait("specd.v1.SpecService");

    let said = run(&["generate", "app", "--server", &server.socket]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let spec: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(spec["process"]["args"], json!(["/bin/app"]));

    let said = run(&["health", "--server", &server.socket]);
    assert_eq!((said.code, said.out.as_str()), (Some(0), "SERVING\n"));
    let said = run(&["health", "--server", &server.socket, "--service", "nobody"]);
    assert_eq!(said.code, Some(1));

    kill_process(Pid::from_child(&server.process), Signal::TERM).unwrap();
    assert!(server.process.wait().unwrap().success());
    assert!(!server.socket_path().exists(), "the socket is left behind");
    assert_eq!(run(&["health", "--server", &server.socket]).code, Some(1));
}

#[test]
fn without_containerd_it_starts_and_says_that_it_is_not_ready() {
    let server = Server::start(&["--containerd", "/nonexistent/containerd.sock"]);
    let said = run(&["health", "--server", &server.socket, "--service", "specd.v1.SpecService"]);
    assert_eq!((said.code, said.out.as_str()), (Some(1), "NOT_SERVING\n"));
    let said = run(&["generate", "app", "--server", &server.socket]);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("/nonexistent/containerd.sock"), "{}", said.err);
}

#[test]
fn a_server_that_does_not_answer_is_waited_for_until_the_timeout() {
    let server = Server::start(&["--containerd", "/nonexistent/containerd.sock"]);
    kill_process(Pid::from_child(&server.process), Signal::STOP).unwrap();
    let with = ["--server", &server.socket, "--timeout", "300ms"];
    for command in [
        &["generate", "app"][..],
        &["explain", "app"],
        &["explain", "app", "--diff", "docker,function"],
        &["process", "web-1"],
        &["health"],
    ] {
        let end = if command[0] == "process" { &["--", "sh"][..] } else { &[] };
        let said = run(&[command, &with, end].concat());
        let want = format!("error: {} did not answer within 300ms\n", server.socket);
        assert_eq!((said.code, said.err), (Some(1), want), "{command:?}");
    }
    for command in ["generate", "explain", "process"] {
        let help = run(&[command, "--help"]).out;
        assert!(
            help.contains("[env: SPECD_TIMEOUT=]") && help.contains("[default: 60s]"),
            "{help}"
        );
    }
}

/// A service manager starts a server again after code 1: the file may appear.
#[test]
fn a_file_that_cannot_be_read_is_a_failure_of_this_machine() {
    const FILE: &str = "/nowhere/file.json";
    let layout = layout();
    let source = ["--oci-layout", layout.root().to_str().unwrap()];
    let (generate, serve) = (&["generate", "app"][..], &["serve"][..]);
    let seccomp = format!("seccomp={FILE}");
    for (command, flags) in [
        (serve, ["--profiles-dir", FILE]),
        (serve, ["--host-facts", FILE]),
        (serve, ["--runtime-features", FILE]),
        (generate, ["--profiles-dir", FILE]),
        (generate, ["--host-facts", FILE]),
        (generate, ["--runtime-features", FILE]),
        (generate, ["--options", FILE]),
        (generate, ["--spec-merge-patch", FILE]),
        (generate, ["--env-file", FILE]),
        (generate, ["--security-opt", &seccomp]),
        (&["explain", "app"], ["--diff", &format!("hardened,{FILE}")]),
    ] {
        let said = run(&[command, &source, &flags].concat());
        assert_eq!(said.code, Some(1), "{command:?} {flags:?}: {}", said.err);
        let start = format!("error: {}: ", flags[0]);
        assert!(said.err.starts_with(&start) && said.err.contains(FILE), "{}", said.err);
    }
    for args in [
        &["profiles", "--profiles-dir", FILE][..],
        &["process", "web-1", "--profiles-dir", FILE, "--", "sh"],
        &["host-facts", "--runtime-features", FILE],
        &["host-facts", "--dev-root", "/nowhere"],
    ] {
        let said = run(args);
        assert_eq!(said.code, Some(1), "{args:?}: {}", said.err);
        assert!(said.err.contains("/nowhere/"), "{args:?}: {}", said.err);
    }
}

#[test]
fn a_failed_start_prints_a_message() {
    for (args, code) in [
        (vec!["serve", "--listen", "nonsense"], 2),
        (vec!["serve", "--listen", "unix:///nonexistent/specd.sock"], 1),
        (vec!["serve", "--listen", "tcp://0.0.0.0:0"], 2),
        (vec!["serve", "--listen", "tcp://127.0.0.1:0", "--allow-uid", "1000"], 2),
        (vec!["serve", "--default-profile", "nonsense"], 2),
        (vec!["serve", "--call-timeout", "0s"], 2),
        (vec!["serve", "--oci-layout", "/nonexistent"], 1),
        (vec!["serve", "--cache-bytes", "64m"], 2),
        (vec!["serve", "--log", "loud"], 2),
        (vec!["serve", "--nonsense"], 2),
    ] {
        let said = run(&args);
        assert_eq!(said.code, Some(code), "{args:?}: {}", said.err);
        assert!(said.err.starts_with("error: "), "{args:?}: {}", said.err);
    }
}

/// A tool on the PATH; nothing, and a word on it, where there is none.
pub(crate) fn tool(name: &str) -> Option<Command> {
    let found = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(name).is_file()));
    if !found {
        say(&format!("SKIPPED: {name} is not on the PATH"));
    }
    found.then(|| Command::new(name))
}

fn output(mut command: Command, args: &[&str]) -> String {
    let output = command.args(args).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text} {}", String::from_utf8_lossy(&output.stderr));
    text
}

#[test]
fn grpcurl_lists_and_calls_by_reflection() {
    let Some(listing) = tool("grpcurl") else { return };
    let layout = layout();
    let root = layout.root().to_str().unwrap();
    let server = Server::start(&["--oci-layout", root, "--platform", "linux/amd64"]);

    let services = output(listing, &["-plaintext", &server.socket, "list"]);
    assert!(services.lines().any(|line| line == "specd.v1.SpecService"), "{services}");

    let health = ["-plaintext", &server.socket, "grpc.health.v1.Health/List"];
    let health = output(tool("grpcurl").unwrap(), &health);
    let health: Value = serde_json::from_str(&health).unwrap();
    assert_eq!(health["statuses"]["liveness"]["status"], "SERVING", "{health}");

    let request =
        r#"{"image": "app", "namespace": "default", "id": "web-1", "profile": "containerd"}"#;
    let call = ["-plaintext", "-d", request, &server.socket, "specd.v1.SpecService/Generate"];
    // grpcurl cannot print an Any that is no protobuf message, so it shows the bytes.
    let answer = output(tool("grpcurl").unwrap(), &call);
    assert!(answer.contains("types.containerd.io/opencontainers/runtime-spec/1/Spec"), "{answer}");
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["image"]["name"], "app");
}

#[test]
fn grpc_health_probe_gets_its_answer() {
    let Some(probe) = tool("grpc-health-probe") else { return };
    let layout = layout();
    let server = Server::start(&["--oci-layout", layout.root().to_str().unwrap()]);
    server.wait("specd.v1.SpecService");
    output(probe, &["-addr", &server.socket, "-service", "specd.v1.SpecService"]);
}
