//! The replay of seccomp filters: what containerd's Go client and Docker made of their policies, against
//! what is made here, byte for byte.
//!
//! The data lies outside the repository: `SPECD_REFERENCE` names its directory. Without it these tests say
//! that they are skipped.

use crate::support::say::say;
use serde::Deserialize;
use serde_json::value::RawValue;
use specd::oci::Seccomp;
use specd::spec::seccomp::{SeccompFacts, docker_policy, runtime_default};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const RELEASES: [&str; 7] = ["1.6", "1.7", "2.0", "2.1", "2.2", "2.3", "2.4"];

/// The cases with a filter, each with another bounding set.
const CASES: [&str; 4] = ["seccomp", "seccomp-sys-admin", "seccomp-no-caps", "seccomp-all-caps"];

/// The kernel of the machine on which the reference was made.
const KERNEL: (u32, u32) = (6, 18);

#[derive(Deserialize)]
struct Spec {
    process: Process,
    linux: Linux,
}

#[derive(Deserialize)]
struct Process {
    capabilities: Capabilities,
}

#[derive(Deserialize)]
struct Capabilities {
    #[serde(default)]
    bounding: Vec<String>,
}

#[derive(Deserialize)]
struct Linux {
    seccomp: Option<Box<RawValue>>,
}

/// A line of `containerd/want-RELEASE.jsonl`.
#[derive(Deserialize)]
struct Want {
    name: String,
    spec: Option<Box<RawValue>>,
}

/// A line of `seccomp/containerd-2.4.jsonl`.
#[derive(Deserialize)]
struct Elsewhere {
    name: String,
    arch: String,
    kernel: String,
    seccomp: Box<RawValue>,
}

fn reference(what: &str) -> Option<PathBuf> {
    let directory = std::env::var_os("SPECD_REFERENCE").map(PathBuf::from);
    if directory.is_none() {
        say(&format!("SKIPPED: the replay of {what}: SPECD_REFERENCE names no directory"));
    }
    directory
}

fn lines<T: for<'a> Deserialize<'a>>(path: &Path) -> Vec<T> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn json<T: for<'a> Deserialize<'a>>(path: &Path) -> T {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn facts(architecture: &str, kernel: (u32, u32)) -> SeccompFacts {
    SeccompFacts { architecture: architecture.to_owned(), kernel }
}

fn text(filter: &Seccomp) -> String {
    serde_json::to_string(filter).unwrap()
}

/// The specs of the seccomp cases of a release, by name.
fn specs(reference: &Path, release: &str) -> BTreeMap<String, Spec> {
    lines::<Want>(&reference.join(format!("containerd/want-{release}.jsonl")))
        .into_iter()
        .filter(|want| want.name.starts_with("seccomp"))
        .map(|want| (want.name, serde_json::from_str(want.spec.unwrap().get()).unwrap()))
        .collect()
}

#[test]
fn the_default_of_each_release_is_containerds() {
    let Some(reference) = reference("containerd's seccomp policies") else { return };
    let mut different = BTreeSet::new();
    for release in RELEASES {
        let specs = specs(&reference, release);
        assert!(specs["seccomp-then-unconfined"].linux.seccomp.is_none());
        for case in CASES {
            let Spec { process, linux } = &specs[case];
            let name = format!("containerd-{release}");
            let bounding = &process.capabilities.bounding;
            let ours = runtime_default(&name, &facts("amd64", KERNEL), bounding).unwrap();
            assert_eq!(text(&ours), linux.seccomp.as_ref().unwrap().get(), "{release} {case}");
            if case == "seccomp" {
                different.insert(text(&ours));
            }
        }
    }
    assert_eq!(different.len(), 6, "the reference has six policies in seven releases");
}

#[test]
fn the_default_is_containerds_on_every_architecture_and_kernel() {
    let Some(reference) = reference("seccomp on other architectures and kernels") else { return };
    let specs = specs(&reference, "2.4");
    let (mut hosts, mut compared) = (BTreeSet::new(), 0);
    for want in lines::<Elsewhere>(&reference.join("seccomp/containerd-2.4.jsonl")) {
        let mut numbers = want.kernel.split('.').map(|number| number.parse().unwrap());
        let facts = facts(&want.arch, (numbers.next().unwrap(), numbers.next().unwrap()));
        let bounding = &specs[&want.name].process.capabilities.bounding;
        for name in ["containerd-2.3", "containerd-2.4"] {
            let ours = runtime_default(name, &facts, bounding).unwrap();
            assert_eq!(text(&ours), want.seccomp.get(), "{name} {} {facts:?}", want.name);
        }
        hosts.insert((want.arch, want.kernel));
        compared += 1;
    }
    assert_eq!((hosts.len(), compared), (14, 56), "the reference is not whole");
}

#[test]
fn dockers_policy_gives_dockers_filter() {
    let Some(reference) = reference("Docker's seccomp policy") else { return };
    let docker = |file: &str| reference.join("docker").join(file);
    let want: Box<RawValue> = json(&docker("seccomp-for-default-spec-amd64.json"));
    let Spec { process, .. } = json(&docker("default-spec.json"));
    let (facts, bounding) = (facts("amd64", KERNEL), &process.capabilities.bounding);
    let policy = json(&docker("seccomp-policy.json"));
    let given = docker_policy(&policy, &facts, bounding).unwrap();
    assert_eq!(text(&given), want.get().trim());
}
