//! The specs that Docker's own daemon makes, asked anew of the release's sources and compared with those that
//! `tests/golden/docker` holds the profiles against.
//!
//! Building a daemon takes minutes, so it is asked with `SPECD_ORACLE_RELEASES=all` only. `BLESS=1` writes the answers.

use crate::support::say::say;
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The id of the container; Docker takes its start as the host name.
const ID: &str = "6b1f3e7e4a8d0c2f";

/// The exit status of `build` where the program cannot be had on this machine.
const CANNOT_BE_HAD: i32 = 3;

fn golden(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(path)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(golden(path)).unwrap()
}

fn build(release: &str) -> Result<String, String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle/docker/build");
    let built = Command::new(script).arg(release).output().map_err(|error| error.to_string())?;
    let log = String::from_utf8_lossy(&built.stderr).trim().to_owned();
    if built.status.code() == Some(CANNOT_BE_HAD) {
        return Err(log);
    }
    assert!(built.status.success(), "the oracle of Docker {release} does not build: {log}");
    Ok(String::from_utf8(built.stdout).unwrap().trim_end().to_owned())
}

/// What the daemon is given in each case.
fn questions() -> String {
    let image: Value = serde_json::from_str(&read("_default/generate/image.json")).unwrap();
    let cases: Vec<Value> = serde_json::from_str(&read("docker/cases.json")).unwrap();
    let question = |case: &Value| {
        let mut image = image["config"].clone();
        image
            .as_object_mut()
            .unwrap()
            .extend(case["image"].as_object().cloned().unwrap_or_default());
        let [host, daemon] =
            ["host", "daemon"].map(|name| case.get(name).cloned().unwrap_or_else(|| json!({})));
        let (passwd, group) = (read("_default/generate/passwd"), read("_default/generate/group"));
        let question = json!({"id": ID, "image": image, "host": host, "daemon": daemon, "passwd": passwd, "group": group});
        format!("{question}\n")
    };
    cases.iter().map(question).collect()
}

/// The answers, a line each, without what is this machine's: its version of control groups, its AppArmor, its processors.
fn answers(program: &str) -> String {
    let mut child =
        Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(questions().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{program}: {}", output.status);
    let line = |line: &str| {
        let mut answer: Value = serde_json::from_str(line).unwrap();
        assert!(answer.get("error").is_none(), "{answer}");
        let mut spec = answer["spec"].take();
        spec["process"].as_object_mut().unwrap().shift_remove("apparmorProfile");
        let linux = &mut spec["linux"];
        let namespaces = linux["namespaces"].as_array_mut().unwrap();
        namespaces.retain(|namespace| namespace["type"] != "cgroup");
        if let Some(paths) = linux["maskedPaths"].as_array_mut() {
            paths.retain(|path| !path.as_str().unwrap().ends_with("/thermal_throttle"));
        }
        format!("{spec}\n")
    };
    String::from_utf8(output.stdout).unwrap().lines().map(line).collect()
}

fn compare(release: &str) {
    if std::env::var("SPECD_ORACLE_RELEASES").as_deref() != Ok("all") {
        return;
    }
    let program = match build(release) {
        Ok(program) => program,
        Err(reason) => return say(&format!("SKIPPED: the oracle of Docker {release}: {reason}")),
    };
    let (path, found) = (format!("docker/{release}.jsonl"), answers(&program));
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(golden(&path), found).unwrap();
        return;
    }
    let blessed = read(&path);
    for (number, (found, blessed)) in found.lines().zip(blessed.lines()).enumerate() {
        assert_eq!(found, blessed, "Docker {release}, case {number} of docker/cases.json");
    }
    assert_eq!(found.lines().count(), blessed.lines().count());
    say(&format!("oracle: Docker {release}: {} specs as blessed", found.lines().count()));
}

#[test]
fn docker_28() {
    compare("28.5.2");
}

#[test]
fn docker_29() {
    compare("29.8.1");
}
