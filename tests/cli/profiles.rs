//! An operator's profiles: offered, refused with their file and position, and read again at SIGHUP.

use crate::serve::{Server, layout};
use crate::{Said, run};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// A directory with these files.
fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(directory.path().join(name), text).unwrap();
    }
    directory
}

/// A profile on Docker's, in which a limit is unlimited and a list of paths is gone.
const GPU: &str = r#"{
  "name": "gpu",
  "description": "Docker's defaults with unlimited locked memory",
  "extends": "docker",
  "spec": {
    "hostname": "{namespace}-{id}",
    "process": {"rlimits": [{"type": "RLIMIT_MEMLOCK", "hard": 18446744073709551615, "soft": 18446744073709551615}]},
    "linux": {"readonlyPaths": null}
  }
}"#;

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_profile_of_the_operators_is_a_patch_on_another() {
    let (layout, profiles) = (layout(), directory(&[("gpu.json", GPU)]));
    let profiles = ["--profiles-dir", text(profiles.path())];
    let spec = |profile: &str, more: &[&str]| {
        let mut args = vec!["generate", "app", "--oci-layout", text(layout.root())];
        args.extend(["--platform", "linux/amd64", "--id", "c", "--profile", profile]);
        args.extend(more);
        let said = run(&args);
        assert_eq!(said.code, Some(0), "{}", said.err);
        serde_json::from_str::<Value>(&said.out).unwrap()
    };
    let mut want = spec("docker", &[]);
    want["hostname"] = json!("default-c");
    want["process"]["env"][1] = json!("HOSTNAME=default-c");
    want["process"]["rlimits"] =
        json!([{"type": "RLIMIT_MEMLOCK", "hard": u64::MAX, "soft": u64::MAX}]);
    want["linux"].as_object_mut().unwrap().remove("readonlyPaths").unwrap();
    assert_eq!(spec("gpu", &profiles), want);

    let said = run(&["profiles", profiles[0], profiles[1]]);
    assert!(said.out.lines().any(|line| line.starts_with("gpu ")), "{}", said.out);
    let said = run(&["profiles", "gpu", profiles[0], profiles[1]]);
    let printed: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(printed["seccomp"], json!({"policy": "docker-29", "applied": true}));
}

#[test]
fn what_is_wrong_stops_the_start_with_its_file_and_position() {
    let profiles = directory(&[
        ("gpu.json", GPU),
        ("syntax.json", "{\n  \"name\": \"x\",\n  \"description\" \"d\"\n}"),
        ("taken.json", &GPU.replace("\"gpu\"", "\"docker\"")),
        (
            "unknown.json",
            &GPU.replace("gpu", "u").replace("readonlyPaths\": null", "namespaces\": [1]"),
        ),
    ]);
    for command in [vec!["serve"], vec!["profiles"]] {
        let mut args = command;
        args.extend(["--profiles-dir", text(profiles.path())]);
        let Said { code, err, .. } = run(&args);
        assert_eq!(code, Some(2), "{err}");
        assert!(err.starts_with("error: --profiles-dir: "), "{err}");
        for words in [
            "syntax.json: expected `:` at line 3 column 17",
            "taken.json: another profile is named \"docker\"",
            "unknown.json: linux.namespaces[0]: must be an object at line 8 column 30",
        ] {
            assert!(err.contains(words), "{words:?} is not in {err}");
        }
    }
    let said = run(&["serve", "--profiles-dir", "/nonexistent"]);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("/nonexistent: No such file"), "{}", said.err);
}

#[test]
fn a_signal_reads_them_again_all_or_none() {
    let (layout, profiles) = (layout(), directory(&[("gpu.json", GPU)]));
    let server = Server::start(&[
        "--oci-layout",
        text(layout.root()),
        "--platform",
        "linux/amd64",
        "--profiles-dir",
        text(profiles.path()),
        "--default-profile",
        "gpu",
    ]);
    server.wait("specd.v1.SpecService");
    let hostname = |profile: &str| {
        let said = run(&["generate", "app", "--server", &server.socket, "--profile", profile]);
        let spec = serde_json::from_str::<Value>(&said.out).ok()?;
        Some(spec["hostname"].as_str().unwrap_or_default().to_owned())
    };
    let hangup = || kill_process(Pid::from_child(&server.process), Signal::HUP).unwrap();
    assert_eq!(hostname("").as_deref(), Some("default-specd"));

    // One file is good and another is not: neither is taken.
    fs::write(profiles.path().join("gpu.json"), GPU.replace("{namespace}", "new")).unwrap();
    fs::write(profiles.path().join("other.json"), "{").unwrap();
    hangup();
    server.says("other.json: EOF while parsing an object at line 1 column 1");
    assert_eq!(hostname("").as_deref(), Some("default-specd"));

    fs::write(profiles.path().join("other.json"), GPU.replace("gpu", "other")).unwrap();
    hangup();
    server.says("they are in force");
    assert_eq!(hostname("other").as_deref(), Some("default-specd"));
    assert_eq!(hostname("gpu").as_deref(), Some("new-specd"));

    // Without its default there is no set: the server keeps the one that it has.
    fs::remove_file(profiles.path().join("gpu.json")).unwrap();
    hangup();
    server.says("no profile is named \"gpu\"");
    assert_eq!(hostname("").as_deref(), Some("new-specd"));
}

#[test]
fn a_default_that_is_out_of_support_is_logged_and_that_of_a_node_needs_one() {
    let layout = layout();
    let layout = ["--oci-layout", text(layout.root())];
    let with = |profile| [layout[0], layout[1], "--default-profile", profile];
    let server = Server::start(&with("containerd-1.6"));
    server.says(
        "the default profile containerd-1.6 equals containerd 1.6.38, which is out of support since 2025-08-23",
    );

    let said = run(&[&["serve"], &with("node")[..]].concat());
    assert_eq!(said.code, Some(2));
    let wrong = "error: --default-profile: the profile \"node\" needs containerd: ";
    assert!(said.err.starts_with(wrong), "{}", said.err);
}

/// An image that names nobody does not make root of it.
#[test]
fn the_user_of_a_profile_is_that_of_an_image_without_one() {
    for base in ["containerd", "docker", "hardened", "function"] {
        let profile = json!({
            "name": "nonroot", "description": "No root", "extends": base,
            "spec": {"process": {"user": {"uid": 65532, "gid": 65533}}},
        });
        let profiles = directory(&[("nonroot.json", &profile.to_string())]);
        let layout = layout();
        let args = ["--oci-layout", text(layout.root()), "--platform", "linux/amd64"];
        let args = [&args[..], &["--profiles-dir", text(profiles.path()), "--profile", "nonroot"]];
        let said = run(&[&["generate", "app"], &*args.concat()].concat());
        assert_eq!(said.code, Some(0), "{base}: {}", said.err);
        let spec: Value = serde_json::from_str(&said.out).unwrap();
        let want = json!({"uid": 65532, "gid": 65533, "additionalGids": [65533]});
        assert_eq!(spec["process"]["user"], want, "{base}");
        let said = run(&[&["explain", "app"], &*args.concat()].concat());
        let line = said.out.lines().find(|line| line.contains("/process/user/uid"));
        assert!(
            line.is_some_and(|line| line.contains("the profile's user")),
            "{base}: {}",
            said.out
        );
    }
}
