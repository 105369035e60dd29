//! The shell blocks of README.md and of docs/cookbook-containers.md, run as they are written, from an image to a container that ran.
//!
//! `BLESS=1 cargo test --test system readme` writes what those of the cookbook print.
//!
//! They run in a mount namespace of their own, in which containerd's socket has its usual path.

use crate::containerd::image::busybox_with;
use crate::support::control_group::ControlGroup;
use crate::support::cookbook::{commands, compare, read, script};
use crate::support::daemon::{Daemon, Release, SNAPSHOTTER};
use crate::support::say::say;
use serde_json::json;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const PAGE: &str = "docs/cookbook-containers.md";

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

/// Runs a script on a machine with containerd and the image busybox, in a directory of its own.
async fn run(script: &str, outputs: &Path) -> Option<Output> {
    let mut daemon = Daemon::start(Release::Two).await?;
    for program in ["curl", "grpcurl", "jq", "ip", "unshare"] {
        if Command::new(program).arg("--version").output().is_err() {
            say(&format!("SKIPPED: the blocks of the README and of the cookbook: no {program}"));
            return None;
        }
    }
    let image = busybox_with(&json!({"Cmd": ["sh"], "Env": ["PATH=/bin"]}));
    image.import(&daemon, "default", "docker.io/library/busybox:latest").await;
    daemon.stop();
    let _group = ControlGroup::hold("default");

    let work = tempfile::tempdir().unwrap();
    let specd = Path::new(env!("CARGO_BIN_EXE_specd")).parent().unwrap();
    let inherited = std::env::var_os("PATH").unwrap_or_default();
    let two = std::env::var_os("SPECD_CONTAINERD_2").unwrap_or_default();
    let mut path = vec![specd.to_owned(), two.into()];
    path.extend(std::env::split_paths(&inherited));
    path.extend(["/usr/sbin", "/sbin"].map(Into::into));
    let output = Command::new("unshare")
        .args(["--mount", "bash", "-c", script])
        .current_dir(work.path())
        .env("PATH", std::env::join_paths(path).unwrap())
        .env("SOCKET", daemon.socket())
        .env("CONFIG", daemon.path("config.toml"))
        .env("CONTAINERD_SNAPSHOTTER", SNAPSHOTTER)
        .env("OUTPUTS", outputs)
        .env("CONTAINERD_SUPPRESS_DEPRECATION_WARNINGS", "true")
        .stdin(Stdio::null())
        .output();
    Some(output.unwrap())
}

#[tokio::test]
async fn the_blocks_of_the_readme_run_as_they_are_written() {
    let readme = read("README.md");
    let blocks = commands(&readme);
    assert!(blocks.len() >= 5, "{blocks:#?}");
    let script = format!("{BEFORE}{}", blocks.join(BETWEEN));
    let Some(output) = run(&script, Path::new("")).await else { return };
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{script}\n{err}\n{out}");
    assert!(out.contains("uid=0(root) gid=0(root)"), "{out}\n{err}");
    assert!(out.contains("\"cgroupsPath\": \"/default/web-1\""), "{out}");
}

#[tokio::test]
async fn each_recipe_with_a_container_prints_what_the_page_shows() {
    let document = read(PAGE);
    assert!(commands(&document).len() > 5);
    let outputs = tempfile::tempdir().unwrap();
    let script = format!("{BEFORE}set +e\n{}", script(&document));
    let Some(output) = run(&script, outputs.path()).await else { return };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    compare(PAGE, outputs.path());
}
