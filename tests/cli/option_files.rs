//! `specd generate --options FILE --spec-merge-patch FILE`.

use crate::run;
use crate::support::layout::Layout;
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};

const IMAGE: &str = "registry.example/app:1";

fn layout() -> Layout {
    let mut layout = Layout::temp();
    let config = json!({"Cmd": ["sh"], "Env": ["PATH=/bin", "A=1"]});
    let image =
        layout.image(json!({"os": "linux", "architecture": "amd64", "config": config}), &[]);
    layout.tag(IMAGE, &image.manifest);
    layout
}

fn arguments<'a>(layout: &'a Layout, more: &[&'a str]) -> Vec<&'a str> {
    let root = layout.root().to_str().unwrap();
    let args = ["generate", IMAGE, "--oci-layout", root, "--platform", "linux/amd64"];
    args.iter().chain(more).copied().collect()
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

/// As `--tty=false` does.
#[test]
fn a_flag_that_says_false_turns_off_an_option_of_the_file() {
    let layout = layout();
    let options = json!({
        "init": {"path": "/x"}, "security": {"privileged": "PRIVILEGED_MODE_DOCKER"},
        "mounts": {"writableCgroupfs": true, "writableSysfs": true},
    });
    let options = file(&options.to_string());
    let spec = |more: &[&str]| {
        let said = run(&arguments(&layout, &[&["--profile", "docker"], more].concat()));
        assert_eq!(said.code, Some(0), "{}", said.err);
        serde_json::from_str::<Value>(&said.out).unwrap()
    };
    let given = ["--options", options.path().to_str().unwrap()];
    let off = ["--init=false", "--privileged=false", "--security-opt", "writable-cgroups=false"];
    let mut want = spec(&[]);
    let sys = want["mounts"].as_array_mut().unwrap().iter_mut().find(|it| it["type"] == "sysfs");
    let access = sys.unwrap()["options"].as_array_mut().unwrap();
    *access.iter_mut().find(|option| **option == "ro").unwrap() = json!("rw");
    assert_eq!(spec(&[&given[..], &off].concat()), want);
    assert_ne!(spec(&given), want);
}

#[test]
fn options_come_out_of_a_file_and_flags_go_over_them() {
    let layout = layout();
    let options = json!({
        "hostname": "of-the-file",
        "process": {"command": {"values": ["a", "b"]}, "env": ["A", "B=2"], "cwd": "/srv"},
        "resources": {"memory": {"limit": "1048576"}},
    });
    let (options, patch) = (file(&options.to_string()), file(r#"{"linux":{"invented":[1]}}"#));
    let (options, patch) = (options.path().to_str().unwrap(), patch.path().to_str().unwrap());
    let more = ["--options", options, "--spec-merge-patch", patch];
    let flags = ["--env", "B=3", "--hostname", "of-the-flag", "--", "c"];
    let said = run(&arguments(&layout, &[&more[..], &flags].concat()));
    assert_eq!(said.code, Some(0), "{}", said.err);
    let spec: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(spec["process"]["args"], json!(["c"]));
    assert_eq!(spec["process"]["env"], json!(["PATH=/bin", "B=3"]));
    assert_eq!(spec["process"]["cwd"], "/srv");
    assert_eq!(spec["hostname"], "of-the-flag");
    assert_eq!(spec["linux"]["resources"]["memory"]["limit"], 1_048_576);
    assert_eq!(spec["linux"]["invented"], json!([1]));
}

#[test]
fn options_come_out_of_the_standard_input() {
    let layout = layout();
    let mut child = Command::new(env!("CARGO_BIN_EXE_specd"))
        .args(arguments(&layout, &["--options", "-"]))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(br#"{"hostname":"piped"}"#).unwrap();
    let output = child.wait_with_output().unwrap();
    let spec: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(spec["hostname"], "piped");
}

#[test]
fn what_is_no_file_of_options_is_a_usage_error() {
    let layout = layout();
    let wrong = [
        (r#"{"hostnam":"x"}"#, "hostnam"),
        (r#"{"process":{"terminal":"yes"}}"#, "is not a specd.v1.SpecOptions"),
        ("{} {}", "is not a specd.v1.SpecOptions"),
        ("", "is not a specd.v1.SpecOptions"),
    ];
    for (text, words) in wrong {
        let file = file(text);
        let said = run(&arguments(&layout, &["--options", file.path().to_str().unwrap()]));
        assert_eq!(said.code, Some(2), "{text}: {}", said.err);
        assert!(said.err.contains(words), "{text}: {}", said.err);
    }
    let more = ["--options", "-", "--spec-merge-patch", "-"];
    assert_eq!(run(&arguments(&layout, &more)).code, Some(2));
}

#[test]
fn the_json_of_the_documentation_is_accepted() {
    let layout = layout();
    let blocks = include_str!("../../docs/options.md").split("```json\n").skip(1);
    let blocks: Vec<&str> = blocks.map(|rest| rest.split("```").next().unwrap()).collect();
    assert_eq!(blocks.len(), 6);
    for block in blocks {
        let file = file(block);
        let options = ["--options", file.path().to_str().unwrap()];
        let said = run(&arguments(&layout, &options));
        assert_eq!(said.code, Some(0), "{block}{}", said.err);
    }
}

#[test]
fn an_error_in_a_file_names_the_flag_the_field_and_what_it_wants() {
    let layout = layout();
    for (text, words) in [
        (r#"{"mounts":[{"destination":"/a"}]}"#, "mounts: expected an object with fields of "),
        (
            r#"{"resources":{"memory":{"limit":"64m"}}}"#,
            "resources.memory.limit: expected a whole number",
        ),
    ] {
        let file = file(text);
        let said = run(&arguments(&layout, &["--options", file.path().to_str().unwrap()]));
        assert_eq!(said.code, Some(2), "{}", said.err);
        assert!(said.err.starts_with("error: --options: "), "{}", said.err);
        assert!(said.err.contains(words), "{}", said.err);
    }
    for (text, words) in [("{\n", "is not JSON: EOF"), ("[]", "must be an object")] {
        let file = file(text);
        let path = file.path().to_str().unwrap();
        for (flag, value) in
            [("--spec-merge-patch", path), ("--security-opt", &format!("seccomp={path}"))]
        {
            let said = run(&arguments(&layout, &[flag, value]));
            let start = format!("error: {flag}: {path} {words}");
            assert!(said.code == Some(2) && said.err.starts_with(&start), "{}", said.err);
        }
    }
    let said = run(&arguments(&layout, &["--spec-merge-patch", "/nowhere"]));
    assert!(
        said.err.starts_with("error: --spec-merge-patch: cannot read /nowhere"),
        "{}",
        said.err
    );
}
