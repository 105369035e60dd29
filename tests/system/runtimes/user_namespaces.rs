//! User namespaces beside every choice of the host's, a private and a joined namespace: each spec that specd answers starts,
//! and what it refuses is refused by the name of a rule.

use crate::network_namespace::NetworkNamespace;
use crate::runtimes::adapted::{self, Host};
use crate::runtimes::bundle::Bundle;
use crate::runtimes::runtime;
use crate::support::control_group::ControlGroup;
use crate::support::layout::Layout;
use crate::support::say::say;
use serde_json::{Value, json};
use std::process::{Child, Command, Stdio};

const IMAGE: &str = "registry.example/app:1";
const CONFIG: &[u8] = br#"{"architecture":"amd64","os":"linux","config":{"Cmd":["/bin/true"]}}"#;

/// A process with namespaces of its own, to join; it ends with this.
struct Other(Child);

impl Other {
    fn start() -> Self {
        let mut command = Command::new("unshare");
        command.args(["--net", "--ipc", "--pid", "--fork", "--kill-child", "sleep", "600"]);
        let child = command.stdin(Stdio::null()).spawn().unwrap();
        let other = Self(child);
        let own = std::fs::read_link("/proc/self/ns/ipc").unwrap();
        let namespace = other.path("ipc");
        while std::fs::read_link(&namespace).unwrap() == own {
            std::thread::yield_now();
        }
        other
    }

    fn path(&self, kind: &str) -> String {
        let name = match kind {
            "network" => "net",
            "pid" => "pid_for_children",
            other => other,
        };
        format!("/proc/{}/ns/{name}", self.0.id())
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// The three choices for each of three kinds, and three ranges of ids.
fn requests(other: &Other) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for number in 0..27 {
        for size in [65_536, 5, 10] {
            let (mut options, mut name) =
                (json!({"userRange": {"hostId": 100_000, "size": size}}), String::new());
            for (kind, choice) in
                [("network", number % 3), ("pid", number / 3 % 3), ("ipc", number / 9)]
            {
                let (word, value) = match choice {
                    0 => ("host", json!({"host": {}})),
                    1 => ("private", json!({"private": {}})),
                    _ => ("joined", json!({"path": other.path(kind)})),
                };
                name += &format!("{kind} {word}, ");
                options[kind] = value;
            }
            all.push((
                format!("{name}{size} ids"),
                json!({ "namespaces": options, "ociVersion": "1.0.2" }),
            ));
        }
    }
    all
}

/// A spec, or the names of the rules that a request breaks.
fn generate(layout: &Layout, profile: &str, options: &Value) -> Result<Value, String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), options.to_string()).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_specd"))
        .args(["generate", IMAGE, "--profile", profile, "--id", "c", "--namespace", "default"])
        .args(["--log", "error", "--platform", "linux/amd64", "--output", "spec", "--oci-layout"])
        .arg(layout.root())
        .arg("--options")
        .arg(file.path())
        .output()
        .unwrap();
    match output.status.success() {
        true => Ok(serde_json::from_slice(&output.stdout).unwrap()),
        false => Err(String::from_utf8(output.stderr).unwrap()),
    }
}

#[test]
fn what_is_answered_with_a_user_namespace_starts() {
    if runtime::all().is_empty() {
        return;
    }
    let mut layout = Layout::temp();
    let image = layout.raw_image(CONFIG, &[]);
    layout.tag(IMAGE, &image.manifest);
    let host = Host::read(&[]);
    let _group = ControlGroup::hold(&adapted::group());
    let _network = NetworkNamespace::make("default-c");
    let other = Other::start();
    let (mut wrong, mut started, mut refused) = (Vec::new(), 0, 0);
    for profile in ["function", "docker"] {
        for (name, options) in requests(&other) {
            // A joined pid or ipc namespace is not the host's, and its filesystem has nothing that could be bound.
            let joined = ["pid", "ipc"].iter().any(|kind| name.contains(&format!("{kind} joined")));
            match generate(&layout, profile, &options) {
                Err(text) if joined && text.contains("cannot be mounted by a user namespace") => {
                    refused += 1;
                }
                Err(text) => wrong.push(format!("{profile}: {name}: {text}")),
                Ok(_) if joined => wrong.push(format!("{profile}: {name} is answered")),
                Ok(spec) => {
                    for runtime in runtime::all() {
                        let spec = adapted::spec(&spec, runtime.program, &host);
                        let ran = runtime.run(&Bundle::new(&spec));
                        started += usize::from(ran.started);
                        if !ran.started {
                            wrong.push(format!(
                                "{}: {profile}: {name}: {}",
                                runtime.name, ran.output
                            ));
                        }
                    }
                }
            }
        }
    }
    say(&format!("user namespaces: {started} runs start, {refused} requests are refused"));
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}
