//! Golden specs start.

use crate::network_namespace::NetworkNamespace;
use crate::runtimes::adapted::{self, Host};
use crate::runtimes::bundle::Bundle;
use crate::runtimes::runtime::{self, Program, Runtime};
use crate::support::control_group::ControlGroup;
use crate::support::golden::cases;
use crate::support::say::say;
use serde_json::Value;
use specd::spec::rules;
use std::path::Path;

/// Every golden spec, with its directory's name.
pub(crate) fn all() -> Vec<(String, Value)> {
    let specs: Vec<(String, Value)> = cases("generate")
        .into_iter()
        .filter_map(|case| Some((case.name.clone(), case.wanted().unwrap().get("spec")?.clone())))
        .collect();
    assert!(specs.len() > 60, "goldens are missing");
    specs
}

/// What a golden is there to show, and no runtime here can do.
const EXCLUDED: &[(&str, &str)] = &[
    (
        "faas-rs-without-ports-and-working-directory",
        "its program has no slash and its environment no PATH, which it warns of",
    ),
    ("cdi-every-edit", "it maps the ids of a mount, which not every filesystem can"),
    ("devices-of-the-host-all", "it has nodes without rules, so that nobody may open /dev/null"),
    (
        "host-runtime-that-has-features",
        "it maps the ids of a mount, which not every filesystem can",
    ),
    ("init", "the program that it binds is not here: `init` has one"),
    ("init-in-docker", "the program that it binds is not here: `init` has one"),
    ("namespaces-clocks-and-network-devices", "it moves network devices that are not there"),
    ("rdt", "it needs Intel's resource director"),
    ("rdt-schemata-and-what-types-lack", "it needs Intel's resource director"),
    ("resources-rdma-network-and-weights", "nothing can live within its memory"),
    ("seccomp-docker-policy", "its policy kills what calls anything but what it shows"),
];

#[test]
fn every_golden_spec_keeps_the_rules() {
    for (name, spec) in all() {
        let broken = rules::find_broken_in_json(spec);
        let refused: Vec<String> =
            broken.iter().filter(|one| one.rule.refuses).map(ToString::to_string).collect();
        assert!(refused.is_empty(), "{name}: {refused:?}");
    }
}

#[test]
fn every_golden_spec_starts() {
    let goldens = all();
    let every = goldens.iter().find(|(name, _)| name == "privileged-as-containerds").unwrap();
    let every = every.1["process"]["capabilities"]["bounding"].as_array().unwrap().iter();
    let every: Vec<String> = every.map(|name| name.as_str().unwrap().to_owned()).collect();
    let host = Host::read(&every);
    if !runtime::all().is_empty() {
        let (runc, crun) = (adapted::CHANGES_FOR_RUNC, adapted::CHANGES_FOR_CRUN);
        let all = adapted::CHANGES.iter().chain(runc).chain(crun);
        let reasons: Vec<&str> = all.map(|(reason, _)| *reason).collect();
        say(&format!("goldens: changed for this machine: {}", reasons.join("; ")));
    }
    let _group = ControlGroup::hold(&adapted::group());
    let _networks: Vec<NetworkNamespace> =
        goldens.iter().filter_map(|(_, spec)| network(spec)).collect();
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let under = |runtime| {
            let (goldens, host) = (&goldens, &host);
            scope.spawn(move || start_all(goldens, runtime, host))
        };
        let threads: Vec<_> = runtime::all().iter().map(under).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{} do not start:\n{}", wrong.len(), wrong.join("\n"));
}

/// Makes the network namespace that a spec joins, if it does not exist.
fn network(spec: &Value) -> Option<NetworkNamespace> {
    let namespaces = spec["linux"]["namespaces"].as_array().into_iter().flatten();
    let paths = namespaces.filter_map(|namespace| namespace["path"].as_str());
    let mut names = paths.filter_map(|path| path.strip_prefix("/var/run/netns/"));
    let name = names.find(|name| !Path::new("/run/netns").join(name).exists())?;
    Some(NetworkNamespace::make(name))
}

/// Starts every golden under a runtime, and answers with those that do not.
fn start_all(goldens: &[(String, Value)], runtime: &Runtime, host: &Host) -> Vec<String> {
    let (mut started, mut left_out, mut wrong) = (0, Vec::new(), Vec::new());
    for (name, golden) in goldens {
        if let Some(reason) = excluded(name, golden, runtime, host) {
            left_out.push(format!("{name} ({reason})"));
            continue;
        }
        let ran = runtime.run(&Bundle::new(&adapted::spec(golden, runtime.program, host)));
        if ran.started {
            started += 1;
        } else {
            let message = ran.output.lines().last().unwrap_or_default();
            wrong.push(format!("{}: {name}: {message}", runtime.name));
        }
    }
    say(&format!(
        "goldens: {started} start under {}, {} are left out: {}",
        runtime.name,
        left_out.len(),
        left_out.join(", ")
    ));
    wrong
}

/// Why a golden cannot start under a runtime here.
fn excluded(name: &str, spec: &Value, runtime: &Runtime, host: &Host) -> Option<String> {
    if let Some((_, reason)) = EXCLUDED.iter().find(|(other, _)| *other == name) {
        return Some((*reason).to_owned());
    }
    let old = matches!(runtime.program, Program::Runc | Program::Crun);
    if old && name == "security-sysctl-of-the-user-namespace" {
        return Some("runc before 1.4 and crun do not set its parameter".to_owned());
    }
    if let Some(missing) = host.missing_controllers(spec, runtime.version_2).first() {
        return Some(format!("no controller {missing}"));
    }
    if runtime.program != Program::Crun {
        return None;
    }
    let version = spec["ociVersion"].as_str().unwrap();
    if !["1.0.", "1.1."].iter().any(|known| version.starts_with(known)) {
        return Some(format!("crun 1.8 takes no version {version}"));
    }
    None
}
