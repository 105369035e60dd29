//! `docs/cookbook.md`: each block of commands prints what the page shows.
//!
//! `BLESS=1 cargo test --test cli cookbook` writes what they print.

use crate::specd;
use crate::support::cookbook::{commands, compare, read, script};
use crate::support::layout::{Gzip, Layout, file};
use crate::support::say::say;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

const PAGE: &str = "docs/cookbook.md";

/// The layout that the page copies images to.
fn write_images(directory: &Path) {
    let mut layout = Layout::at(directory);
    let accounts = [
        file("etc/passwd", "root:x:0:0::/root:/bin/sh\napp:x:1000:1000::/srv:/bin/sh\n"),
        file("etc/group", "root:x:0:\napp:x:1000:\naudio:x:29:\nvideo:x:44:app\n"),
    ];
    let layer = layout.layer(Gzip, &accounts);
    let mut image = |name: &str, config: Value| {
        let made = layout.image(json!({"config": config}), std::slice::from_ref(&layer));
        layout.tag(name, &made.manifest);
    };
    let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    image("docker.io/library/busybox:latest", json!({"Env": [path], "Cmd": ["sh"]}));
    image(
        "docker.io/library/redis:7",
        json!({
            "Env": [path, "REDIS_VERSION=7.4.6"],
            "Entrypoint": ["docker-entrypoint.sh"],
            "Cmd": ["redis-server"],
            "Volumes": {"/data": {}},
            "WorkingDir": "/data",
        }),
    );
    image(
        "registry.example/team/app:1",
        json!({"User": "app", "Env": [path], "Cmd": ["/srv/app"], "WorkingDir": "/srv"}),
    );
}

#[test]
fn each_recipe_prints_what_the_page_shows() {
    if Command::new("jq").arg("--version").output().is_err() {
        say("SKIPPED: the cookbook: no jq");
        return;
    }
    let document = read(PAGE);
    assert!(commands(&document).len() > 20);
    let work = tempfile::tempdir().unwrap();
    let outputs = tempfile::tempdir().unwrap();
    write_images(&work.path().join("images"));
    let program = specd(&[]);
    let mut path = vec![Path::new(program.get_program()).parent().unwrap().to_owned()];
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    let mut shell = Command::new("bash");
    for (name, value) in program.get_envs() {
        assert!(value.is_none());
        shell.env_remove(name);
    }
    shell
        .args(["-c", &script(&document)])
        .current_dir(work.path())
        .env("PATH", std::env::join_paths(path).unwrap())
        .env("OUTPUTS", outputs.path())
        // The images are for one platform.
        .env("SPECD_PLATFORM", "linux/amd64")
        .status()
        .unwrap();
    compare(PAGE, outputs.path());
}
