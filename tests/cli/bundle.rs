//! A bundle whose `config.json` is what `specd generate` printed, run by runc as it is.

use crate::run;
use crate::support::layout::{Layout, dir, executable, file, symlink};
use crate::support::{layout, say};
use serde_json::json;
use std::path::Path;
use std::process::Command;

const BUSYBOX: &str = "/bin/busybox";

fn missing() -> Option<&'static str> {
    let root = rustix::process::geteuid().is_root();
    let runc = Command::new("runc").arg("--version").output().is_ok();
    match (root, runc, Path::new(BUSYBOX).is_file()) {
        (false, ..) => Some("it needs root"),
        (_, false, _) => Some("runc is not on the PATH"),
        (.., false) => Some("there is no static /bin/busybox"),
        _ => None,
    }
}

#[test]
fn runc_runs_what_generate_prints() {
    if let Some(why) = missing() {
        say(&format!("SKIPPED: a bundle run by runc: {why}"));
        return;
    }
    let entries = [
        dir("bin"),
        executable("bin/busybox", std::fs::read(BUSYBOX).unwrap()),
        symlink("bin/sh", "busybox"),
        symlink("bin/id", "busybox"),
        dir("etc"),
        file("etc/passwd", "root:x:0:0::/:/bin/sh\napp:x:1000:1000::/:/bin/sh\n"),
        file("etc/group", "app:x:1000:\nmedia:x:2000:app\n"),
        dir("srv"),
    ];
    let archive = layout::tar(&entries);
    let mut layout = Layout::temp();
    let layer = layout.raw_layer(layout::Zstd, &archive);
    let image = layout.image(
        json!({"os": "linux", "architecture": "amd64", "config": {
            "User": "app", "WorkingDir": "/srv", "Env": ["PATH=/bin"], "Cmd": ["sh", "-c", "id; pwd"],
        }}),
        &[layer],
    );
    layout.tag("app", &image.manifest);

    let bundle = tempfile::tempdir().unwrap();
    let rootfs = bundle.path().join("rootfs");
    std::fs::create_dir(&rootfs).unwrap();
    tar::Archive::new(archive.as_slice()).unpack(&rootfs).unwrap();
    let id = format!("specd-{}", std::process::id());
    let root = layout.root().to_str().unwrap();
    let said = run(&[
        "generate",
        "app",
        "--oci-layout",
        root,
        "--platform",
        "linux/amd64",
        "--namespace",
        "specd",
        "--id",
        &id,
        "--profile",
        "containerd",
    ]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    std::fs::write(bundle.path().join("config.json"), said.out).unwrap();

    let state = tempfile::tempdir().unwrap();
    let mut runc = Command::new("runc");
    runc.arg("--root").arg(state.path()).args(["run", "--bundle"]).arg(bundle.path()).arg(&id);
    let output = runc.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(
        text(&output.stdout),
        "uid=1000(app) gid=1000(app) groups=1000(app),2000(media)\n/srv\n"
    );
}
