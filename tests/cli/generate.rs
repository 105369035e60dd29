//! `specd generate` and `specd profiles`.

use crate::run;
use crate::support::layout::{Gzip, Layout, file};
use base64::Engine;
use serde_json::{Value, json};
use std::process::Command;

const IMAGE: &str = "registry.example/figlet:latest";

/// A layout with one image that has account files in a layer.
fn layout(config: Option<Value>) -> Layout {
    let mut layout = Layout::temp();
    let accounts = [
        file("etc/passwd", "root:x:0:0::/root:/bin/sh\napp:x:1000:1000::/:/bin/sh\n"),
        file("etc/group", "root:x:0:\nmedia:x:2000:app\n"),
    ];
    let layer = layout.layer(Gzip, &accounts);
    let mut whole = json!({"os": "linux", "architecture": "amd64"});
    if let Some(config) = config {
        whole["config"] = config;
    }
    let image = layout.image(whole, &[layer]);
    layout.tag(IMAGE, &image.manifest);
    layout
}

fn generate(layout: &Layout, more: &[&str]) -> crate::Said {
    let root = layout.root().to_str().unwrap();
    let mut args = vec!["generate", IMAGE, "--oci-layout", root, "--platform", "linux/amd64"];
    args.extend(more);
    run(&args)
}

#[test]
fn an_archive_is_an_image_like_a_directory() {
    let layout = layout(Some(json!({"Cmd": ["x"], "User": "app"})));
    let archive = layout.root().join("saved.tar");
    let mut tar = Command::new("tar");
    let packed = tar.args(["-cf", "saved.tar", "oci-layout", "index.json", "blobs"]);
    assert!(packed.current_dir(layout.root()).status().unwrap().success());
    let archive = archive.to_str().unwrap();
    let flags = ["--platform", "linux/amd64", "--output", "response"];
    let said = run(&[&["generate", IMAGE, "--oci-layout", archive], &flags[..]].concat());
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert_eq!(said.out, generate(&layout, &flags[2..]).out);
}

const AS_FAAS_RS: [&str; 6] =
    ["--namespace", "faasrs-default", "--id", "figlet-1", "--profile", "faas-rs"];

#[test]
fn the_seeds_function_gets_the_seeds_sandbox() {
    let layout = layout(Some(json!({
        "Env": ["PATH=/usr/bin:/bin", "fprocess=figlet"],
        "Cmd": ["fwatchdog"],
        "WorkingDir": "/home/app",
        "User": "app",
    })));
    let said = generate(&layout, &AS_FAAS_RS);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let spec: Value = serde_json::from_str(&said.out).unwrap();
    let process = &spec["process"];
    assert_eq!(process["args"], json!(["fwatchdog"]));
    assert_eq!(process["env"], json!(["PATH=/usr/bin:/bin", "fprocess=figlet"]));
    assert_eq!(process["cwd"], "/home/app");
    assert_eq!(process["user"], json!({"uid": 0, "gid": 0}));
    assert_eq!(process["noNewPrivileges"], true);
    let lists = process["capabilities"].as_object().unwrap();
    assert_eq!(lists.keys().collect::<Vec<_>>(), ["bounding", "effective", "permitted"]);
    assert!(lists.values().all(|list| list.as_array().unwrap().len() == 14));
    assert!(spec.get("hostname").is_none());
    assert_eq!(spec["root"], json!({"path": "rootfs", "readonly": true}));
    assert_eq!(spec["mounts"].as_array().unwrap().len(), 7);
    assert_eq!(spec["linux"]["cgroupsPath"], "/faasrs-default/figlet-1");
    assert_eq!(
        spec["linux"]["namespaces"][4],
        json!({"type": "network", "path": "/var/run/netns/faasrs-default-figlet-1"})
    );
    assert_eq!(spec["linux"]["resources"]["devices"], json!([{"allow": false, "access": "rwm"}]));
    assert!(said.err.contains("warning: the image exposes no port, 8080/tcp is assumed"));
}

#[test]
fn the_seeds_three_errors_are_word_for_word() {
    for (config, text) in [
        (None, "Image configuration not found"),
        (Some(json!({"Cmd": ["x"]})), "Environment variables not found"),
        (Some(json!({"Env": []})), "Command arguments not found"),
    ] {
        let said = generate(&layout(config), &AS_FAAS_RS);
        assert_eq!((said.code, said.err), (Some(1), format!("error: {text}\n")));
        assert_eq!(said.out, "");
    }
}

#[test]
fn every_flag_reaches_the_spec() {
    let layout = layout(Some(json!({"Cmd": ["image"], "Entrypoint": ["/entry"], "Env": ["A=1"]})));
    let flags = [
        "--profile",
        "containerd",
        "--entrypoint",
        "/bin/sh",
        "--env",
        "A",
        "--env",
        "B=2",
        "--workdir",
        "/srv",
        "--user",
        "app",
        "--group-add",
        "77",
        "--hostname",
        "here",
        "--tty",
        "--read-only",
        "--vm-network",
        "--",
        "-c",
        "id",
    ];
    let said = generate(&layout, &flags);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let spec: Value = serde_json::from_str(&said.out).unwrap();
    let process = &spec["process"];
    assert_eq!(process["args"], json!(["/bin/sh", "-c", "id"]));
    assert_eq!(process["env"], json!(["B=2", "TERM=xterm"]));
    assert_eq!(process["cwd"], "/srv");
    assert_eq!(
        process["user"],
        json!({"uid": 1000, "gid": 1000, "additionalGids": [1000, 2000, 77]})
    );
    assert_eq!(process["terminal"], true);
    assert_eq!(spec["hostname"], "here");
    assert_eq!(spec["root"]["readonly"], true);
    assert_eq!(spec["mounts"].as_array().unwrap().len(), 9);
}

#[test]
fn the_answer_can_be_printed_whole_or_as_the_any() {
    let layout = layout(Some(json!({"Cmd": ["x"], "User": "app", "Labels": {"a": "b"}})));
    let any: Value = serde_json::from_str(&generate(&layout, &["--output", "any"]).out).unwrap();
    assert_eq!(any["typeUrl"], "types.containerd.io/opencontainers/runtime-spec/1/Spec");
    let whole = generate(&layout, &["--output", "response"]);
    let whole: Value = serde_json::from_str(&whole.out).unwrap();
    assert_eq!(whole["spec"], Value::Null);
    let spec = base64::engine::general_purpose::STANDARD.decode(any["value"].as_str().unwrap());
    assert_eq!(whole["specJson"].as_str().unwrap().as_bytes(), spec.unwrap());
    assert_eq!(whole["container"]["runtime"]["optionsJson"], "{}");
    assert_eq!(whole["image"]["name"], IMAGE);
    assert_eq!(
        whole["container"]["labels"],
        json!({"a": "b", "io.containerd.image.config.stop-signal": "SIGTERM"})
    );
    assert_eq!(whole["warnings"].as_array().unwrap().len(), 2);
}

#[test]
fn what_is_wrong_is_said_in_a_sentence() {
    let layout = layout(Some(json!({"Cmd": ["x"]})));
    let root = layout.root().to_str().unwrap();

    let said = run(&["generate", "nobody", "--oci-layout", root]);
    assert_eq!(said.code, Some(1));
    assert_eq!(
        said.err,
        format!(
            "error: image not found, tried nobody and docker.io/library/nobody:latest; the layout has {IMAGE}\n"
        )
    );
    let said = run(&["generate", "NGINX", "--oci-layout", root]);
    assert_eq!(said.code, Some(2), "{}", said.err);
    assert!(said.err.contains("lower case, for example \"nginx\""), "{}", said.err);

    let said = generate(&layout, &["--profile", "nonsense"]);
    assert_eq!(said.code, Some(2));
    assert!(
        said.err.contains(
            "unknown profile \"nonsense\", known are function, hardened, rootless, faas-rs"
        ),
        "{}",
        said.err
    );

    let said = generate(&layout, &["--profile", "node"]);
    assert_eq!(said.code, Some(2));
    assert!(
        said.err
            .contains("the profile \"node\" needs containerd: it is the profile of the release"),
        "{}",
        said.err
    );

    let said = generate(&layout, &["--id", "a/b", "--namespace", "-", "--env", "=x"]);
    assert_eq!(said.code, Some(2));
    let lines: Vec<&str> = said.err.lines().collect();
    assert_eq!(lines.len(), 4, "{}", said.err);
    assert!(lines[3].starts_with("  options.process.env[0]: "), "{}", said.err);

    let said = run(&["generate", "x", "--oci-layout", "/nonexistent"]);
    assert_eq!(said.code, Some(1));
    assert!(said.err.starts_with("error: /nonexistent"), "{}", said.err);
    assert_eq!(said.err.lines().count(), 1, "{}", said.err);

    let said = run(&["generate", "x", "--containerd", "/nonexistent.sock"]);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("/nonexistent.sock"), "{}", said.err);

    assert_eq!(run(&["generate"]).code, Some(2));
    assert_eq!(generate(&layout, &["--platform", "plan9"]).code, Some(2));
}

#[test]
fn dockers_time_namespace_needs_a_kernel_that_has_it() {
    let layout = layout(None);
    let namespaces = |kernel: &str| {
        let flags = ["--profile", "docker-29", "--kernel", kernel, "--", "/bin/app"];
        let said = generate(&layout, &flags);
        assert_eq!(said.code, Some(0), "{}", said.err);
        let spec: Value = serde_json::from_str(&said.out).unwrap();
        let namespaces = spec["linux"]["namespaces"].as_array().unwrap().clone();
        let kinds = namespaces.iter().map(|one| one["type"].as_str().unwrap().to_owned());
        (kinds.collect::<Vec<_>>(), said.err)
    };
    let (with, _) = namespaces("5.6");
    assert_eq!(with, ["mount", "network", "time", "uts", "pid", "ipc"]);
    let (without, warnings) = namespaces("5.5");
    assert_eq!(without, ["mount", "network", "uts", "pid", "ipc"]);
    let warning = "the profile's time namespace is left out: Linux 5.5 has none";
    assert!(warnings.contains(warning), "{warnings}");
}

#[test]
fn profiles_are_listed_and_printed() {
    let said = run(&["profiles"]);
    assert_eq!(said.code, Some(0));
    let lines: Vec<&str> = said.out.lines().collect();
    assert!(lines[0].starts_with("NAME "), "{}", said.out);
    assert!(lines[1].starts_with("function (default) "), "{}", said.out);
    let newest = lines.iter().find(|line| line.starts_with("containerd-2.4, containerd "));
    assert!(newest.unwrap().contains(" containerd 2.4.2   2027-05-16  "), "{}", said.out);
    // This one was out of support before the first release of specd.
    let oldest = lines.iter().find(|line| line.starts_with("containerd-1.6 ")).unwrap();
    assert!(oldest.contains(" containerd 1.6.38 ") && oldest.contains("  2025-08-23 (ended)  "));
    assert!(lines.last().unwrap().starts_with("node "), "{}", said.out);
    let one: Value = serde_json::from_str(&run(&["profiles", "containerd"]).out).unwrap();
    assert_eq!(
        (&one["name"], &one["equals"]),
        (&json!("containerd-2.4"), &json!("containerd 2.4.2"))
    );
    assert_eq!(one["supported_until"], json!("2027-05-16"));
    assert_eq!(run(&["profiles", "nonsense"]).code, Some(2));
    let of_node = run(&["profiles", "node"]);
    assert_eq!(of_node.code, Some(2));
    assert!(of_node.err.contains("the profile \"node\" needs containerd"), "{}", of_node.err);
}

#[test]
fn help_shows_examples_and_variables() {
    for command in ["serve", "generate", "explain", "profiles", "health"] {
        let said = run(&[command, "--help"]);
        assert_eq!(said.code, Some(0));
        assert!(said.out.contains("Example"), "{command}");
    }
    for command in ["generate", "explain", "process"] {
        let help = run(&[command, "--help"]).out;
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(help.contains("[default: function, or the default of the server]"), "{help}");
        assert!(!help.contains("[default: ]") && !help.contains("[default: \"\"]"), "{help}");
    }
    assert!(run(&["serve", "--help"]).out.contains("[env: SPECD_LISTEN="));
    assert!(run(&["--version"]).out.starts_with("specd "));
}

#[test]
fn a_layout_has_no_snapshots_and_wrong_flags_about_them_are_errors() {
    let layout = layout(Some(json!({"User": "app", "Cmd": ["x"]})));
    let said = generate(&layout, &["--snapshot-key", "web-1"]);
    assert_eq!(said.code, Some(1));
    let words = "images that do not come from containerd have no snapshots";
    assert!(said.err.contains(words), "{}", said.err);
    // If the image's own layers exist, the snapshotter is not used.
    let said = generate(&layout, &["--snapshotter", "stargz", "--snapshot-root", "/nowhere"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    for (flags, words) in [
        (["--snapshot-root", "var/lib"], "'--snapshot-root <DIR>': must be an absolute path"),
        (["--snapshot-timeout", "0s"], "'--snapshot-timeout <DURATION>': must be 1s to 1h"),
        (["--snapshotter", "a/b"], "must be letters and digits"),
        (["--snapshot-key", "a\nb"], "must not have a control character"),
    ] {
        let said = generate(&layout, &flags);
        assert_eq!(said.code, Some(2), "{}", said.err);
        assert!(said.err.contains(words), "{}", said.err);
    }
}
