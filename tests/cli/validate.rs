//! `specd validate`, as people type it.

use crate::{Said, run, said, specd};
use serde_json::{Value, json};
use std::io::Write;
use std::process::Stdio;

/// A spec that keeps every rule.
fn good() -> Value {
    json!({
        "ociVersion": "1.1.0",
        "process": {"args": ["sh"], "env": ["PATH=/bin"], "cwd": "/", "user": {"uid": 0, "gid": 0}},
        "root": {"path": "rootfs"},
        "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
        "linux": {"namespaces": [{"type": "mount"}]},
        "fieldOfTomorrow": {"a": [1]},
    })
}

/// What is said of a text on standard input.
fn of_input(text: &str, more: &[&str]) -> Said {
    let mut command = specd(&[&["validate", "-"], more].concat());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    said(&child.wait_with_output().unwrap())
}

#[test]
fn a_valid_spec_is_valid() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), good().to_string()).unwrap();
    let said = run(&["validate", file.path().to_str().unwrap()]);
    assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (Some(0), "valid\n", ""));
}

#[test]
fn every_violation_is_printed_with_its_path_rule_and_source() {
    let mut spec = good();
    spec["process"]["cwd"] = json!("srv");
    spec["linux"]["sysctl"] = json!({"net.a": "1"});
    spec["annotations"] = json!({"": "x"});
    let said = of_input(&spec.to_string(), &[]);
    assert_eq!(said.code, Some(1));
    let want = "\
error: process.cwd: working directory \"srv\" is not an absolute path
  process-cwd: The working directory is an absolute path that does not lead through file descriptors. \
(runc: validateProcessSpec; CVE-2024-21626)
error: linux.sysctl[\"net.a\"]: needs a private network namespace
  sysctl-namespace: A sysctl is set only in a namespace other than the host's. \
(runc: validate.sysctl; crun: validate_sysctl)
warning: annotations[\"\"]: should have a key
  annotation-key: Every annotation has a key. (runtime spec: Annotations)
";
    assert_eq!(said.out, want);
    assert_eq!(said.err, "error: the spec breaks the rules in 2 places\n");

    let said = of_input(&spec.to_string(), &["--output", "json"]);
    let report: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((said.code, &report["valid"]), (Some(1), &json!(false)));
    assert_eq!(report["violations"][1]["path"], "linux.sysctl[\"net.a\"]");
    assert_eq!(report["violations"][1]["rule"], "sysctl-namespace");
    assert_eq!(report["warnings"].as_array().unwrap().len(), 1);
}

#[test]
fn a_warning_alone_leaves_a_spec_valid() {
    let mut spec = good();
    spec["annotations"] = json!({"": "x"});
    let said = of_input(&spec.to_string(), &[]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    assert!(said.out.starts_with("warning: annotations"), "{}", said.out);
}

#[test]
fn what_is_no_spec_breaks_a_rule_too() {
    for (text, path) in [("[]", "must be an object"), ("{}", "process: is missing")] {
        let said = of_input(text, &[]);
        assert_eq!(said.code, Some(1), "{text}");
        assert!(said.out.contains(&format!("error: {path}")), "{}", said.out);
    }
}

#[test]
fn an_any_is_unpacked() {
    let packed = |spec: &str| {
        use base64::Engine;
        let value = base64::engine::general_purpose::STANDARD.encode(spec);
        let kind = "types.containerd.io/opencontainers/runtime-spec/1/Spec";
        json!({"typeUrl": kind, "value": value}).to_string()
    };
    assert_eq!(of_input(&packed(&good().to_string()), &[]).out, "valid\n");
    assert_eq!(of_input(&packed("{"), &[]).code, Some(2));
}

#[test]
fn a_file_that_is_none_or_holds_no_json_is_wrong_usage() {
    let said = run(&["validate", "/nowhere/config.json"]);
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("/nowhere/config.json: No such file"), "{}", said.err);
    let said = of_input("{\n  \"a\": x}", &[]);
    assert_eq!(said.code, Some(2));
    assert!(
        said.err.contains("standard input: invalid JSON: expected value at line 2 column 8"),
        "{}",
        said.err
    );
    assert_eq!(run(&["validate"]).code, Some(2));
}

#[test]
fn the_rules_are_listed() {
    let said = run(&["validate", "--rules"]);
    assert_eq!(said.code, Some(0));
    assert!(
        said.out.contains("sysctl-host\n  A sysctl does not belong to the host alone. (runc: ")
    );
    let said = run(&["validate", "--rules", "--output", "json"]);
    let rules: Value = serde_json::from_str(&said.out).unwrap();
    assert!(rules.as_array().unwrap().len() > 80);
}

/// What `runc spec` 1.1.5 and `crun spec` 1.8.1 write: their ambient capabilities are not inheritable.
#[test]
fn the_files_of_runc_spec_and_crun_spec_are_valid() {
    for (name, ambient) in [
        ("runc", json!(["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"])),
        ("crun", json!(["CAP_AUDIT_WRITE", "CAP_NET_BIND_SERVICE", "CAP_KILL"])),
    ] {
        let mut spec = good();
        let mut sets = json!({"ambient": ambient});
        for set in ["bounding", "effective", "permitted"] {
            sets[set] = ambient.clone();
        }
        spec["process"]["capabilities"] = sets;
        let said = of_input(&spec.to_string(), &[]);
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{name}: {}", said.out);
        assert_eq!(said.out.matches("warning: process.capabilities.ambient").count(), 3, "{name}");
        let strict = of_input(&spec.to_string(), &["--strict", "--output", "json"]);
        let report: Value = serde_json::from_str(&strict.out).unwrap();
        assert_eq!((strict.code, &report["valid"]), (Some(1), &json!(false)), "{name}");
        assert_eq!(report["violations"].as_array().unwrap().len(), 3, "{name}");
    }
}
