//! `specd host-facts`, and specs for the machine that it was asked on.

use crate::run;
use crate::support::layout::Layout;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const IMAGE: &str = "registry.example/app:1";

fn layout() -> Layout {
    let mut layout = Layout::temp();
    let config = json!({"os": "linux", "architecture": "amd64", "config": {"Cmd": ["sh"]}});
    let image = layout.image(config, &[]);
    layout.tag(IMAGE, &image.manifest);
    layout
}

fn generate(layout: &Layout, more: &[&str]) -> crate::Said {
    let root = layout.root().to_str().unwrap();
    let mut args = vec!["generate", IMAGE, "--oci-layout", root, "--platform", "linux/amd64"];
    args.extend(more);
    run(&args)
}

fn write(directory: &Path, name: &str, text: &str) -> PathBuf {
    let path = directory.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn facts_of_one_machine_make_specs_on_another() {
    let said = run(&["host-facts"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let mut facts: Value = serde_json::from_str(&said.out).unwrap();
    let devices = facts["devices"].as_array_mut().unwrap();
    assert!(devices.iter().any(|device| device["path"] == "/dev/null" && device["major"] == 1));
    // Another machine: it has a device that this one has not, and an older kernel.
    devices.push(
        json!({"path": "/dev/other", "type": "b", "major": 99, "minor": 1, "fileMode": 0o640}),
    );
    facts["lastCapability"] = 37.into();
    facts["thermalThrottleCpus"] = "1".into();

    let (layout, directory) = (layout(), tempfile::tempdir().unwrap());
    let file = write(directory.path(), "facts.json", &facts.to_string());
    let file = file.to_str().unwrap();
    let said = generate(
        &layout,
        &["--profile", "containerd", "--host-facts", file, "--device", "/dev/other:/dev/mine:r"],
    );
    assert_eq!(said.code, Some(0), "{}", said.err);
    let spec: Value = serde_json::from_str(&said.out).unwrap();
    let device = json!({"path": "/dev/mine", "type": "b", "major": 99, "minor": 1, "fileMode": 0o640, "uid": 0, "gid": 0});
    assert_eq!(spec["linux"]["devices"], json!([device]));
    let rule = json!({"allow": true, "type": "b", "major": 99, "minor": 1, "access": "r"});
    assert_eq!(spec["linux"]["resources"]["devices"][1], rule);
    let masked = |spec: &Value, cpu: u32| {
        let path = format!("/sys/devices/system/cpu/cpu{cpu}/thermal_throttle");
        spec["linux"]["maskedPaths"].as_array().unwrap().iter().any(|masked| *masked == path)
    };
    assert!(masked(&spec, 1) && !masked(&spec, 0));

    // A flag is over the file.
    let flags = ["--profile", "containerd", "--host-facts", file, "--thermal-throttle-cpus", "0"];
    let spec: Value = serde_json::from_str(&generate(&layout, &flags).out).unwrap();
    assert!(masked(&spec, 0) && !masked(&spec, 1));
}

#[test]
fn a_file_that_states_no_facts_is_wrong_usage() {
    let (layout, directory) = (layout(), tempfile::tempdir().unwrap());
    for (text, words) in [
        ("{\"kernels\": 1}", "unknown field `kernels`"),
        ("[]", "must be a JSON object"),
        ("{\n\"kernel\": }", "line 2"),
    ] {
        let file = write(directory.path(), "facts.json", text);
        let said = generate(&layout, &["--host-facts", file.to_str().unwrap()]);
        assert_eq!(said.code, Some(2), "{}", said.err);
        assert!(said.err.contains("--host-facts: ") && said.err.contains(words), "{}", said.err);
    }
    let path = directory.path().join("facts.json");
    std::fs::write(&path, b"\xff").unwrap();
    let said = generate(&layout, &["--host-facts", path.to_str().unwrap()]);
    assert!(said.code == Some(2) && said.err.contains("it is not UTF-8 text"), "{}", said.err);
}

#[test]
fn cdi_devices_come_out_of_the_named_directories() {
    let (layout, directory) = (layout(), tempfile::tempdir().unwrap());
    let cdi = directory.path().to_str().unwrap();
    let flags = ["--cdi-spec-dir", cdi, "--cdi-device", "vendor.com/x=a"];
    let said = generate(&layout, &flags);
    assert_eq!(said.code, Some(2), "{}", said.err);
    assert!(
        said.err.contains(&format!("no CDI specification in {cdi} has vendor.com/x=a")),
        "{}",
        said.err
    );

    let text = "cdiVersion: 0.3.0\nkind: vendor.com/x\ndevices:\n- name: a\n  containerEdits: {env: [X=a]}\n";
    write(directory.path(), "x.yaml", text);
    let spec: Value = serde_json::from_str(&generate(&layout, &flags).out).unwrap();
    assert!(spec["process"]["env"].as_array().unwrap().contains(&json!("X=a")));
}
