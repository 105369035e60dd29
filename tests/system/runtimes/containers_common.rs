//! The seccomp policy of containers-common, as podman and Debian's package have it, is taken whole.

use crate::runtimes::adapted::{self, Host};
use crate::runtimes::bundle::Bundle;
use crate::runtimes::runtime;
use crate::runtimes::user_namespaces::{Image, generate};
use crate::support::say::say;
use serde_json::{Value, json};

/// Where Debian's package golang-github-containers-common has it.
const FILE: &str = "/usr/share/containers/seccomp.json";

fn names(call: &Value) -> impl Iterator<Item = &str> {
    call["names"].as_array().unwrap().iter().map(|name| name.as_str().unwrap())
}

#[test]
fn the_policy_is_taken_whole_and_lets_a_container_start() {
    let Ok(text) = std::fs::read_to_string(FILE) else {
        say(
            "SKIPPED: the seccomp policy of containers-common: apt-get install golang-github-containers-common",
        );
        return;
    };
    let policy: Value = serde_json::from_str(&text).unwrap();
    let options = json!({
        "ociVersion": "1.0.2", "security": {"seccomp": {"dockerPolicy": text}},
        "namespaces": {"network": {"private": {}}},
    });
    let spec = generate(&Image::new(), "hardened", &options).unwrap();
    let filter = &spec["linux"]["seccomp"];
    for field in ["defaultAction", "defaultErrnoRet"] {
        assert_eq!(filter[field], policy[field], "{field}");
    }
    // Each rule without a condition is there with each of its names, and its number where it has one.
    let made = filter["syscalls"].as_array().unwrap();
    let mut checked = 0;
    for rule in policy["syscalls"].as_array().unwrap() {
        let of = |field: &str| rule[field].as_object().is_none_or(serde_json::Map::is_empty);
        if !of("includes") || !of("excludes") {
            continue;
        }
        for name in names(rule) {
            let same = |call: &&Value| {
                call["action"] == rule["action"] && call["errnoRet"] == rule["errnoRet"]
            };
            assert!(
                made.iter().filter(same).any(|call| names(call).any(|it| it == name)),
                "{name}"
            );
            checked += 1;
        }
    }
    assert!(checked > 300, "{checked} names");
    let host = Host::read(&[]);
    for runtime in runtime::all() {
        let spec = adapted::spec(&spec, runtime.program, &host);
        let ran = runtime.run(&Bundle::new(&spec));
        assert!(ran.started, "{}: {}", runtime.name, ran.output);
    }
    say(&format!("containers-common: {checked} names of its policy are in the filter"));
}
