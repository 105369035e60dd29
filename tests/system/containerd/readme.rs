//! The shell blocks of README.md, run as they are written, from an image to a container that ran.
//!
//! They run in a mount namespace of their own, in which containerd's socket has its usual path.

use crate::containerd::image::busybox_with;
use crate::support::control_group::ControlGroup;
use crate::support::daemon::{Daemon, Release, SNAPSHOTTER};
use crate::support::say::say;
use serde_json::json;
use std::path::Path;
use std::process::{Command, Stdio};

/// The fenced blocks in the language `sh`, in their order.
fn blocks() -> Vec<String> {
    let readme = include_str!("../../../README.md");
    let blocks = readme.split("```sh\n").skip(1);
    blocks.map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// What stands before the blocks: directories of their own, and containerd in the same mount namespace. `ctr image mount` requires
/// that.
pub(super) const BEFORE: &str = r#"set -euo pipefail
mount -t tmpfs tmpfs /run
mkdir /run/containerd
trap 'kill $(jobs -p); wait' EXIT
containerd --config "$CONFIG" >containerd.log 2>&1 &
until ctr --address "$SOCKET" version >/dev/null 2>&1; do sleep 0.1; done
ln -s "$SOCKET" /run/containerd/containerd.sock
"#;

/// What stands between two blocks: a server that was started in the background gets time to start.
const BETWEEN: &str = r#"
while jobs | grep -q "specd serve"; do
    if specd health --server unix:///run/specd/specd.sock >/dev/null 2>&1; then break; fi
    sleep 0.1
done
"#;

#[tokio::test]
async fn the_blocks_of_the_readme_run_as_they_are_written() {
    let Some(mut daemon) = Daemon::start(Release::Two).await else { return };
    for program in ["curl", "grpcurl", "jq", "ip", "unshare"] {
        if Command::new(program).arg("--version").output().is_err() {
            say(&format!("SKIPPED: the blocks of the README: no {program}"));
            return;
        }
    }
    let image = busybox_with(&json!({"Cmd": ["sh"], "Env": ["PATH=/bin"]}));
    image.import(&daemon, "default", "docker.io/library/busybox:latest").await;
    daemon.stop();
    let _group = ControlGroup::hold("default");

    let blocks = blocks();
    assert!(blocks.len() >= 5, "{blocks:#?}");
    let work = tempfile::tempdir().unwrap();
    let script = format!("{BEFORE}{}", blocks.join(BETWEEN));
    let specd = Path::new(env!("CARGO_BIN_EXE_specd")).parent().unwrap();
    let inherited = std::env::var_os("PATH").unwrap_or_default();
    let two = std::env::var_os("SPECD_CONTAINERD_2").unwrap_or_default();
    let mut path = vec![specd.to_owned(), two.into()];
    path.extend(std::env::split_paths(&inherited));
    path.extend(["/usr/sbin", "/sbin"].map(Into::into));
    let output = Command::new("unshare")
        .args(["--mount", "bash", "-c", &script])
        .current_dir(work.path())
        .env("PATH", std::env::join_paths(path).unwrap())
        .env("SOCKET", daemon.socket())
        .env("CONFIG", daemon.path("config.toml"))
        .env("CONTAINERD_SNAPSHOTTER", SNAPSHOTTER)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{script}\n{err}\n{out}");
    assert!(out.contains("uid=0(root) gid=0(root)"), "{out}\n{err}");
    assert!(out.contains("\"cgroupsPath\": \"/default/web-1\""), "{out}");
}
