//! Generate, called with JSON as its encoding: each language prints the answer as protobuf's JSON. And the same answer in Connect and
//! gRPC-Web.

use super::program::{Client, Ended};
use crate::support::layout::Layout;
use serde_json::{Value, json};
use specd::api::pb::specd::DESCRIPTORS;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// `specd serve` on a unix socket, over a layout with an image `app`. It ends with this.
struct Specd {
    process: Child,
    directory: tempfile::TempDir,
    _layout: Layout,
}

impl Specd {
    fn start() -> Self {
        let mut layout = Layout::temp();
        let config =
            json!({"os": "linux", "architecture": "amd64", "config": {"Cmd": ["/bin/app"]}});
        let image = layout.image(config, &[]);
        layout.tag("app", &image.manifest);
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("descriptors"), DESCRIPTORS).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_specd"));
        command.arg("serve").arg("--oci-layout").arg(layout.root());
        command.args(["--platform", "linux/amd64", "--listen"]);
        command.arg(format!("unix://{}/specd.sock", directory.path().display()));
        let process = command.stderr(Stdio::null()).spawn().unwrap();
        let specd = Self { process, directory, _layout: layout };
        let deadline = Instant::now() + Duration::from_secs(60);
        while std::os::unix::net::UnixStream::connect(specd.socket()).is_err() {
            assert!(Instant::now() < deadline, "the server does not start");
            std::thread::sleep(Duration::from_millis(50));
        }
        specd
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("specd.sock")
    }

    fn descriptors(&self) -> PathBuf {
        self.directory.path().join("descriptors")
    }
}

impl Drop for Specd {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn request(image: &str) -> String {
    json!({"image": image, "namespace": "default", "id": "web-1", "encoding": "ENCODING_JSON"})
        .to_string()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

async fn print(client: Client, arguments: &[&str]) -> Option<Value> {
    let Ended { succeeded, stdout, stderr } = client.program()?.run(arguments).await;
    assert!(succeeded, "{client:?} {arguments:?}: {stderr}");
    Some(serde_json::from_str(&stdout).unwrap())
}

fn check(answer: &Value) {
    let spec: Value = serde_json::from_str(answer["specJson"].as_str().unwrap()).unwrap();
    assert_eq!(spec["process"]["args"], json!(["/bin/app"]));
    assert_eq!(answer["container"]["runtime"]["optionsJson"], "{}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn go_and_python_print_an_answer() {
    let specd = Specd::start();
    let (socket, descriptors) = (specd.socket(), specd.descriptors());
    let target = format!("unix://{}", socket.display());
    let arguments = [&target, text(&descriptors), &request("app")];
    if let Some(answer) = print(Client::Go, &[&["json"], &arguments[..]].concat()).await {
        check(&answer);
    }
    if let Some(answer) = print(Client::PythonJson, &arguments).await {
        check(&answer);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn node_calls_in_connect_and_grpc_web() {
    let specd = Specd::start();
    let (socket, descriptors) = (specd.socket(), specd.descriptors());
    for protocol in ["json", "proto", "get", "grpc-web"] {
        let call = async |image: &str| {
            let arguments = [text(&socket), text(&descriptors), &request(image), protocol];
            print(Client::NodeConnect, &arguments).await
        };
        let Some(answer) = call("app").await else { return };
        check(&answer);
        let error = call("absent").await.unwrap();
        assert_eq!(error["code"], "NotFound", "{protocol}: {error}");
        assert!(error["message"].as_str().unwrap().starts_with("image not found"), "{error}");
        assert_eq!(error["details"][0], "google.rpc.ErrorInfo", "{protocol}: {error}");
    }
}
