//! The table of `docs/docker-run.md`: each flag sets the options beside it and no others.

use crate::support::layout::{Gzip, Layout, file};
use crate::{Said, said, specd};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;

const DOCUMENT: &str = include_str!("../../docs/docker-run.md");
const IMAGE: &str = "registry.example/app:1";

/// The texts in backquotes.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// A layout, and beside it what the flags of the table name.
fn prepare() -> Layout {
    let mut layout = Layout::temp();
    let accounts = [file("etc/passwd", "root:x:0:0::/:\napp:x:1000:1000::/:\n")];
    let layer = layout.layer(Gzip, &accounts);
    let config = json!({"Cmd": ["serve"], "Entrypoint": ["/entry"], "Env": ["PATH=/bin"], "WorkingDir": "/"});
    let whole = json!({"os": "linux", "architecture": "amd64", "config": config});
    let image = layout.image(whole, &[layer]);
    layout.tag(IMAGE, &image.manifest);
    let beside = |name: &str, text: &str| std::fs::write(layout.root().join(name), text).unwrap();
    beside("app.env", "# comment\nDEBUG=1\n");
    beside("policy.json", r#"{"defaultAction": "SCMP_ACT_ALLOW"}"#);
    let device =
        |name: &str| json!({"name": name, "containerEdits": {"env": [format!("CDI_{name}=1")]}});
    for (file, kind, names) in [
        ("gpu.json", "nvidia.com/gpu", &["all", "0", "1"][..]),
        ("net.json", "vendor.com/net", &["a"]),
    ] {
        let devices: Vec<Value> = names.iter().map(|name| device(name)).collect();
        beside(file, &json!({"cdiVersion": "0.6.0", "kind": kind, "devices": devices}).to_string());
    }
    layout
}

/// Runs `specd explain` with flags as a shell reads them, in the directory of the layout.
fn explain(directory: &Path, flags: &str) -> Said {
    let mut shell = std::process::Command::new("sh");
    let script = format!(
        "exec \"$0\" explain {IMAGE} --oci-layout . --cdi-spec-dir \"$PWD\" --profile docker --output json {flags}"
    );
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SPECD_")) {
        shell.env_remove(name);
    }
    said(
        &shell
            .args(["-c", &script, env!("CARGO_BIN_EXE_specd")])
            .current_dir(directory)
            .output()
            .unwrap(),
    )
}

/// Every option that set or removed a field of the spec.
fn options_of(answer: &Value, found: &mut BTreeSet<String>) {
    match answer {
        Value::Object(members) => {
            found.extend(members.get("optionField").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|value| options_of(value, found));
        }
        Value::Array(list) => list.iter().for_each(|value| options_of(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn each_flag_of_the_table_sets_its_options_and_no_others() {
    let layout = prepare();
    let rows: Vec<&str> = DOCUMENT.lines().filter(|line| line.starts_with("| `")).collect();
    assert!(rows.len() > 40, "{} rows", rows.len());
    let mut wrong = Vec::new();
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").collect();
        let (examples, wanted) = (quoted(cells[0]), quoted(cells[1]));
        let mut found = BTreeSet::new();
        for flags in examples {
            let said = explain(layout.root(), flags);
            match serde_json::from_str::<Value>(&said.out) {
                Ok(answer) => options_of(&answer, &mut found),
                Err(_) => wrong.push(format!("{flags}: {}", said.err)),
            }
        }
        let below = |option: &str, field: &str| {
            option.strip_prefix(field).is_some_and(|rest| {
                !rest.starts_with(char::is_alphabetic) && !rest.starts_with('_')
            })
        };
        let missing =
            wanted.iter().filter(|field| !found.iter().any(|option| below(option, field)));
        wrong.extend(missing.map(|field| format!("{row}: {field} is not set, only {found:?}")));
        let more = found.iter().filter(|option| !wanted.iter().any(|field| below(option, field)));
        wrong.extend(more.map(|option| format!("{row}: {option} is set")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_has_no_counterpart_is_refused() {
    let refused = DOCUMENT.split("are refused:").nth(1).unwrap();
    let flags: Vec<&str> =
        quoted(refused).into_iter().filter(|word| word.starts_with("--")).collect();
    assert!(flags.len() > 10, "{flags:?}");
    for flag in flags {
        let said = said(&specd(&["generate", IMAGE, flag]).output().unwrap());
        assert_eq!(said.code, Some(2), "{flag}");
        assert!(said.err.contains(&format!("unexpected argument '{flag}'")), "{}", said.err);
        let tip = format!("tip: {flag} of docker run is not part of a spec: ");
        assert!(said.err.contains(&tip) && !said.err.contains("similar"), "{}", said.err);
    }
    for command in
        [&["generate", IMAGE, "ls"][..], &["explain", IMAGE, "ls"], &["process", "web-1", "ls"]]
    {
        let said = said(&specd(command).output().unwrap());
        assert_eq!(said.code, Some(2), "{command:?}");
        let tip = "tip: the command to run comes after two dashes: -- ls";
        assert!(said.err.contains(tip), "{command:?}: {}", said.err);
    }
}

#[test]
fn flags_override_a_file_of_options() {
    let layout = prepare();
    let file = json!({
        "process": {"rlimits": [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 100}]},
        "capabilities": {"add": ["NET_ADMIN", "SYS_TIME"], "drop": ["CAP_KILL"]},
        "mounts": {
            "add": [{"destination": "/data/", "type": "bind", "source": "/a", "options": ["rbind"]}],
            "tmpfs": [{"destination": "/tmp"}, {"destination": "/scratch"}],
        },
        "namespaces": {"network": {"host": {}}},
        "resources": {"memory": {"limit": 1048576, "swap": 4194304}},
        "security": {"maskedPaths": {"values": ["/x"]}, "seccomp": {"unconfined": {}}},
        "cdiDevices": ["vendor.com/net=a"],
    });
    std::fs::write(layout.root().join("options.json"), file.to_string()).unwrap();
    let spec = |flags: &str| -> Value {
        let said = explain(layout.root(), &format!("--options options.json {flags}"));
        assert_eq!(said.code, Some(0), "{}", said.err);
        let answer: Value = serde_json::from_str(&said.out).unwrap();
        let set = |found: &Value| {
            format!(
                "{} {}",
                found["path"].as_str().unwrap(),
                found["value"].as_str().unwrap_or_default()
            )
        };
        json!(
            answer["fields"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|one| one["removed"] != true)
                .map(set)
                .collect::<Vec<_>>()
        )
    };
    let flags = "--ulimit nofile=200 --cap-add KILL -v /b:/data --tmpfs /scratch:size=4k --net none -m 2m \
                 --security-opt systempaths=unconfined --security-opt seccomp=builtin --device vendor.com/net=a";
    let found = spec(flags).to_string().replace('\\', "");
    for wanted in [
        "/process/rlimits/0/soft 200",
        "\"CAP_KILL\"",
        "\"CAP_NET_ADMIN\"",
        "/source \"/b\"",
        "\"size=4096\"",
        "/linux/resources/memory/limit 2097152",
        "/linux/resources/memory/swap 4194304",
        "/linux/seccomp/defaultAction",
        "\"CDI_a=1\"",
    ] {
        assert!(found.contains(wanted), "{wanted}: {found}");
    }
    assert!(
        !found.contains("/rlimits/1") && !found.contains("\"/x\"") && !found.contains("\"/a\""),
        "{found}"
    );
    let found = spec("--cap-drop ALL --cap-add NET_RAW").to_string().replace('\\', "");
    assert!(found.contains("\"CAP_NET_RAW\"") && !found.contains("\"CAP_SYS_TIME\""), "{found}");
}
