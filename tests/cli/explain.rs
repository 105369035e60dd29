//! `specd explain`.

use crate::serve::Server;
use crate::support::layout::{Gzip, Layout, file};
use crate::{Said, run};
use serde_json::{Value, json};

const IMAGE: &str = "registry.example/app:1";

fn layout() -> Layout {
    let mut layout = Layout::temp();
    let layer = layout.layer(Gzip, &[file("etc/passwd", "root:x:0:0::/:\napp:x:1000:1000::/:\n")]);
    let config = json!({
        "os": "linux",
        "architecture": "amd64",
        "config": {"Cmd": ["serve"], "Env": ["PATH=/bin", "A=\u{1b}[2J"], "User": "app", "WorkingDir": "/srv"},
    });
    let image = layout.image(config, &[layer]);
    layout.tag(IMAGE, &image.manifest);
    layout
}

fn explain(layout: &Layout, more: &[&str]) -> Said {
    let root = layout.root().to_str().unwrap();
    let mut args = vec!["explain", IMAGE, "--oci-layout", root, "--platform", "linux/amd64"];
    args.extend(more);
    run(&args)
}

/// The line of a table that begins so, its columns with one space between them.
fn line(text: &str, start: &str) -> String {
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut lines = text.lines().map(words);
    lines.find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("no {start} in {text}"))
}

#[test]
fn a_table_says_who_set_each_field() {
    let said = explain(&layout(), &["--env", "B=2", "--workdir", "/tmp", "--", "check"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    for (start, want) in [
        ("/ociVersion", "/ociVersion \"1.1.0\" profile function (function.json:6)"),
        ("/process/user/uid", "/process/user/uid 1000 image config.User \"app\", /etc/passwd:2"),
        ("/process/args/0", "/process/args/0 \"check\" options.process.command.values[0]"),
        ("/process/env/0", "/process/env/0 \"PATH=/bin\" image config.Env[0]"),
        ("/process/env/1", "/process/env/1 \"A=\\u001b[2J\" image config.Env[1]"),
        ("/process/env/2", "/process/env/2 \"B=2\" options.process.env[0]"),
        ("/process/cwd", "/process/cwd \"/tmp\" options.process.cwd"),
    ] {
        assert_eq!(line(&said.out, start), want);
    }
    let lines: Vec<&str> = said.out.lines().collect();
    let cwd = lines.iter().position(|line| line.contains("/process/cwd")).unwrap();
    assert_eq!(line(lines[cwd + 1], "was"), "was \"/srv\" image config.WorkingDir");
    assert_eq!(line(lines[cwd + 2], "was"), "was \"/\" profile function (function.json:9)");
    assert!(lines.contains(&"process") && lines.contains(&"mounts") && lines.contains(&"linux"));
    assert!(said.err.contains("warning: the network namespace"), "{}", said.err);
}

#[test]
fn the_json_is_the_answer_and_its_leaves_those_of_generate() {
    let layout = layout();
    let said = explain(&layout, &["--output", "json", "--profile", "docker"]);
    let answer: Value = serde_json::from_str(&said.out).unwrap();
    let root = layout.root().to_str().unwrap();
    let flags = ["--platform", "linux/amd64", "--profile", "docker", "--output", "response"];
    let generated = run(&[&["generate", IMAGE, "--oci-layout", root], &flags[..]].concat());
    assert_eq!(answer["generated"], serde_json::from_str::<Value>(&generated.out).unwrap());
    let fields = answer["fields"].as_array().unwrap();
    let hostless = |field: &&Value| field["path"] == "/process/env/0";
    let env = fields.iter().find(hostless).unwrap();
    let origin = json!({"text": "image config.Env[0]", "imageField": "config.Env[0]"});
    assert_eq!((&env["value"], &env["origin"]), (&json!("\"PATH=/bin\""), &origin));
    let replaced = &env["replaced"][0]["origin"]["rule"];
    assert_eq!(replaced, &json!({"step": "env", "description": "a variable of Docker's daemon"}));
    let seccomp = fields.iter().find(|field| field["path"] == "/linux/seccomp/defaultAction");
    assert_eq!(seccomp.unwrap()["origin"]["rule"]["step"], "seccomp");
}

#[test]
fn two_profiles_differ_in_what_is_shown() {
    let layout = layout();
    let said = explain(&layout, &["--diff", "containerd-1.6", "containerd-2.4"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let lines: Vec<&str> = said.out.lines().collect();
    assert_eq!(
        lines[..3],
        ["A: profile containerd-1.6", "B: profile containerd-2.4", "/ociVersion"]
    );
    assert_eq!(
        line(lines[3], "A"),
        "A \"1.0.2-dev\" profile containerd-1.6 (containerd-1.6.json:11)"
    );
    assert_eq!(line(lines[4], "B"), "B \"1.3.0\" profile containerd-2.4 (containerd-2.4.json:10)");
    assert!(!said.out.contains("/process/"), "{}", said.out);
    // A side without the field, which has no origin.
    let absent = explain(&layout, &["--diff", "function", "hardened"]).out;
    assert!(absent.lines().any(|line| line == "  A  (none)"), "{absent}");

    let same = explain(&layout, &["--diff", "containerd,containerd-2.4"]);
    assert_eq!(same.code, Some(0), "{}", same.err);
    assert!(same.out.ends_with("no field differs\n"), "{}", same.out);
}

#[test]
fn two_requests_differ_in_what_is_shown() {
    let layout = layout();
    let directory = tempfile::tempdir().unwrap();
    let request = |name: &str, options: Value| {
        let path = directory.path().join(name);
        std::fs::write(&path, json!({"id": "web-1", "options": options}).to_string()).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let a = request("a.json", json!({"process": {"env": ["X=1"]}}));
    let b = request(
        "b.json",
        json!({"process": {"env": ["A", "X=2"]}, "security": {"maskedPaths": {"values": ["/x"]}}}),
    );
    let said = explain(&layout, &["--diff", &a, &b, "--output", "json"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let answer: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((&answer["a"], &answer["b"]), (&json!(a), &json!(b)));
    let differences = answer["differences"].as_array().unwrap();
    let of = |side: &str, path: &str| {
        let found = differences.iter().find(|difference| difference[side]["path"] == path);
        found.unwrap_or_else(|| panic!("no {path}: {answer:#}"))
    };
    let x = of("a", "/process/env/2");
    assert_eq!(x["a"]["origin"]["optionField"], "options.process.env[0]");
    assert_eq!(x["b"]["origin"]["optionField"], "options.process.env[1]");
    assert_eq!((&x["a"]["value"], &x["b"]["value"]), (&json!("\"X=1\""), &json!("\"X=2\"")));
    let unset = of("a", "/process/env/1");
    assert_eq!(unset["a"]["origin"]["imageField"], "config.Env[1]");
    assert_eq!(unset["b"]["removed"], true);
    assert_eq!(unset["b"]["origin"]["optionField"], "options.process.env[0]");
    let x = of("b", "/linux/maskedPaths/0");
    assert_eq!(x["b"]["origin"]["optionField"], "options.security.masked_paths.values[0]");

    for (flags, words) in [
        (vec!["--diff", &a, &b, "--env", "C=3"], "takes no other changes"),
        (vec!["--diff", &a, "./nowhere"], "cannot read ./nowhere"),
        (vec!["--diff", "nonsense", "docker"], "unknown profile"),
        (vec!["--diff", "docker"], "--diff needs two"),
        (vec!["--diff", "docker,faas-rs,function"], "--diff needs two"),
    ] {
        let said = explain(&layout, &flags);
        assert_ne!(said.code, Some(0));
        assert!(said.err.contains(words), "{}", said.err);
    }
    std::fs::write(&a, "{\"optoins\": {}}").unwrap();
    let said = explain(&layout, &["--diff", &a, &b]);
    assert_eq!(said.code, Some(2));
    assert!(
        said.err.contains("is not a specd.v1.GenerateRequest: ") && said.err.contains("optoins")
    );
}

#[test]
fn a_custom_profile_is_named_by_its_own_file() {
    let directory = tempfile::tempdir().unwrap();
    let text = "{\n  \"name\": \"mine\",\n  \"description\": \"d\",\n  \"extends\": \"function\",\n  \"spec\": {\n    \
                \"process\": { \"rlimits\": null },\n    \"root\": { \"readonly\": false }\n  }\n}\n";
    std::fs::write(directory.path().join("mine.json"), text).unwrap();
    let directory = directory.path().to_str().unwrap();
    let said = explain(&layout(), &["--profiles-dir", directory, "--profile", "mine"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let lines: Vec<&str> = said.out.lines().collect();
    let after = |start: &str| {
        let at = lines.iter().position(|line| line.trim_start_matches("- ").starts_with(start));
        at.map(|at| [line(lines[at], ""), line(lines[at + 1], "")]).unwrap()
    };
    let [now, was] = after("/root/readonly");
    assert_eq!(now, "- /root/readonly (none) profile mine (mine.json:7)");
    assert!(was.starts_with("was true profile function (function.json:"), "{was}");
    let [now, _] = after("/process/rlimits/0/hard");
    assert_eq!(now, "- /process/rlimits/0/hard (none) profile mine (mine.json:6)");
}

#[test]
fn a_server_explains_what_this_process_would() {
    let layout = layout();
    let root = layout.root().to_str().unwrap();
    let server = Server::start(&["--oci-layout", root, "--platform", "linux/amd64"]);
    let flags = ["--output", "json", "--profile", "docker", "--env", "B=2"];
    let here = explain(&layout, &flags);
    assert_eq!(here.code, Some(0), "{}", here.err);
    let asked = run(&[&["explain", IMAGE, "--server", &server.socket], &flags[..]].concat());
    assert_eq!(asked.code, Some(0), "{}", asked.err);
    let [here, asked]: [Value; 2] =
        [here, asked].map(|said| serde_json::from_str(&said.out).unwrap());
    assert_eq!(asked, here);
}
