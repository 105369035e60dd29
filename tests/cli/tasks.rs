//! `specd process` and `specd resources`.

use crate::run;
use serde_json::{Value, json};

#[test]
fn limits_are_printed_and_nobody_is_asked() {
    let flags = ["resources", "--memory", "64m", "--cpuset-cpus", "0-1", "--pids-limit", "-1"];
    let said = run(&flags);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    let limits: Value = serde_json::from_str(&said.out).unwrap();
    let wanted =
        json!({"memory": {"limit": 67_108_864}, "cpu": {"cpus": "0-1"}, "pids": {"limit": -1}});
    assert_eq!(limits, wanted);

    let said = run(&["resources", "--cpu-shares", "2", "--any"]);
    let any: Value = serde_json::from_str(&said.out).unwrap();
    let url = "types.containerd.io/opencontainers/runtime-spec/1/LinuxResources";
    assert_eq!(any, json!({"typeUrl": url, "value": "eyJjcHUiOnsic2hhcmVzIjoyfX0="}));
}

#[test]
fn limits_that_are_none_are_refused() {
    for (flags, words) in [
        (&["resources"][..], "must limit something"),
        (&["resources", "--memory", "-2"], "'--memory <BYTES>': expected a number of bytes"),
        (&["resources", "--cpuset-cpus", "x"], "options.resources.cpu.cpus"),
    ] {
        let said = run(flags);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{flags:?}");
        assert!(said.err.contains(words), "{}", said.err);
    }
}

#[test]
fn a_process_needs_a_command_and_a_containerd() {
    let said = run(&["process", "web-1"]);
    assert_eq!(said.code, Some(2), "{}", said.err);
    let flags = ["process", "web-1", "--containerd", "/nonexistent/c.sock", "--", "id"];
    let said = run(&flags);
    assert_eq!((said.code, said.out.as_str()), (Some(1), ""));
    assert!(said.err.contains("/nonexistent/c.sock"), "{}", said.err);
}
