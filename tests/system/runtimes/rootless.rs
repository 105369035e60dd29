//! Runtimes that an ordinary user runs: what specd answers for them starts.

use crate::runtimes::adapted::{self, Host};
use crate::runtimes::bundle::Bundle;
use crate::runtimes::runtime::{self, Program, Runtime};
use crate::runtimes::user_namespaces::{Image, generate};
use crate::support::other_user::{CopyForOthers, NOBODY};
use crate::support::say::say;
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::os::unix::fs::chown;

/// Who runs a runtime, and with which option of a request that is announced.
struct Way {
    name: &'static str,
    /// The option `rootless`.
    option: Option<Value>,
    /// What comes before the runtime.
    before: &'static [&'static str],
}

/// As the user nobody, who may do nothing.
const AS_NOBODY: [&str; 6] =
    ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--"];

/// The same, as root of a user namespace of that user, like `RootlessKit`.
const IN_A_USER_NAMESPACE: [&str; 11] = [
    "setpriv",
    "--reuid=65534",
    "--regid=65534",
    "--clear-groups",
    "--inh-caps=-all",
    "--",
    "unshare",
    "--user",
    "--map-root-user",
    "--net",
    "--mount",
];

fn ways() -> Vec<Way> {
    let user = json!({"uid": NOBODY, "gid": NOBODY});
    vec![
        Way { name: "an ordinary user", option: Some(user), before: &AS_NOBODY },
        Way { name: "RootlessKit", option: Some(json!({})), before: &IN_A_USER_NAMESPACE },
        Way { name: "RootlessKit, no option", option: None, before: &IN_A_USER_NAMESPACE },
        Way { name: "root, no option", option: None, before: &["env"] },
    ]
}

#[test]
fn what_is_answered_for_an_ordinary_user_starts() {
    // Debian 12's crun wants a systemd of the user.
    let runcs = || runtime::all().iter().filter(|runtime| runtime.program != Program::Crun);
    if runcs().next().is_none() {
        return;
    }
    let image = Image::new();
    let host = Host::read(&[]);
    let (mut wrong, mut started) = (Vec::new(), 0);
    for way in ways() {
        // Without the option, only the profile is made for such a user.
        let profiles = ["rootless", "function", "hardened", "docker", "containerd-2.4"];
        for profile in &profiles[..if way.option.is_some() { profiles.len() } else { 1 }] {
            let mut options = json!({"ociVersion": "1.0.2"});
            if let Some(option) = &way.option {
                options["rootless"] = option.clone();
                if *option == json!({}) {
                    // A network namespace that is joined belongs to root here.
                    options["namespaces"] = json!({"network": {"private": {}}});
                }
            }
            let spec = generate(&image, profile, &options).unwrap();
            for runtime in runcs() {
                let spec = adapted::spec(&spec, runtime.program, &host);
                let ran = run(runtime, way.before, &Bundle::new(&spec));
                started += usize::from(ran.started);
                if !ran.started {
                    let (name, way) = (&runtime.name, way.name);
                    wrong.push(format!("{name}: {way}: {profile}: {}", ran.output));
                }
            }
        }
    }
    say(&format!("rootless: {started} runs start"));
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

/// Runs a bundle by another user.
fn run(runtime: &Runtime, before: &[&str], bundle: &Bundle) -> runtime::Ran {
    let (copy, state) = (CopyForOthers::of(&runtime.binary), tempfile::tempdir().unwrap());
    chown(state.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    let program = copy.path();
    let mut line: Vec<&OsStr> = before.iter().map(OsStr::new).collect();
    line.extend([program.as_os_str(), OsStr::new("--root"), state.path().as_os_str()]);
    runtime.run_by(&line, bundle)
}

#[test]
fn what_an_ordinary_user_cannot_do_is_refused_by_its_field() {
    let image = Image::new();
    let user = json!({"uid": 1000, "gid": 1000});
    for (options, field) in [
        (json!({"rootless": {"uid": 1}}), "options.rootless"),
        (
            json!({"rootless": user, "namespaces": {"userRange": {"hostId": 1, "size": 1}}}),
            "options.namespaces.user_range",
        ),
        (
            json!({"rootless": user, "namespaces": {"user": {"host": {}}}}),
            "options.namespaces.user",
        ),
        (
            json!({"rootless": user, "user": {"additionalGroups": ["7"]}}),
            "options.user.additional_groups",
        ),
        (json!({"rootless": user, "user": {"user": "7"}}), "options.user.user"),
    ] {
        let refused = generate(&image, "rootless", &options).unwrap_err();
        assert!(refused.contains(field), "{options}: {refused}");
    }
}
