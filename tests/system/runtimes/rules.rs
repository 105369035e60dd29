//! Each rule on finished specs is a runtime's: what breaks it is found by name, and does not start.

use crate::runtimes::adapted::{self, Host};
use crate::runtimes::bundle::Bundle;
use crate::runtimes::cases::{By, CASES, RUNS, spec};
use crate::runtimes::runtime::{self, Runtime};
use crate::support::say::say;
use serde_json::Value;
use specd::spec::rules;
use std::process::Command;

#[test]
fn every_rule_has_a_spec_that_breaks_it_and_says_whose_it_is() {
    for rule in &rules::RULES {
        let mut cases = CASES.iter().filter(|case| case.rule == rule.name).peekable();
        assert!(cases.peek().is_some(), "no case breaks {}", rule.name);
        for case in cases {
            let source = rule.source;
            let says = match case.by {
                By::Nobody | By::NotHere => source.starts_with("ours: ") || !rule.refuses,
                By::Crun | By::CrunHere | By::NotRuncOfTheRules => source.contains("crun"),
                By::NewestRunc => source.contains("runc since 1.6"),
                By::RuncBefore16 => source.contains("runc before 1.6"),
                By::NotRunc15 => source.contains("1.6"),
                By::Both
                | By::Runc
                | By::OlderRunc
                | By::RuncOfTheRules
                | By::RuncOnVersion1
                | By::RuncOnVersion2 => !source.starts_with("ours") && !source.starts_with("crun"),
            };
            assert!(says, "{}: {source:?} and {:?}", rule.name, case.by);
        }
    }
    for case in CASES {
        assert!(rules::RULES.iter().any(|rule| rule.name == case.rule), "{}?", case.rule);
    }
}

#[test]
fn what_breaks_a_rule_is_found_by_its_name() {
    for (name, patch) in RUNS {
        let broken = rules::find_broken_in_json(spec(*patch));
        assert!(broken.is_empty(), "{name}: {broken:?}");
    }
    for case in CASES {
        let (spec, rule) = (spec(case.patch), case.rule);
        let bundle = Bundle::new(&spec);
        let output = Command::new(env!("CARGO_BIN_EXE_specd"))
            .args(["validate", "--strict", "--output", "json"])
            .arg(bundle.path().join("config.json"))
            .output()
            .unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let rules = |kind: &str| -> Vec<String> {
            let found = report[kind].as_array().unwrap().iter();
            found.map(|one| one["rule"].as_str().unwrap().to_owned()).collect()
        };
        let (violations, warnings) = (rules("violations"), rules("warnings"));
        let found = violations.iter().chain(&warnings).any(|found| found == rule);
        let alone = violations.iter().all(|found| found == rule);
        assert!(found && alone, "{rule}: {violations:?}, {warnings:?}");
        let refuses = rules::RULES.iter().any(|one| one.name == rule && one.refuses);
        assert_eq!(output.status.code(), Some(i32::from(refuses)), "{rule}");
    }
}

#[test]
fn what_runs_runs() {
    std::thread::scope(|scope| {
        for runtime in runtime::all() {
            scope.spawn(move || {
                let host = Host::read(&[]);
                for (name, patch) in RUNS {
                    let mut spec = spec(*patch);
                    adapted::change_for(&mut spec, runtime.program, &host);
                    let ran = runtime.run(&Bundle::new(&spec));
                    assert!(ran.started, "{}: {name}: {}", runtime.name, ran.output);
                }
            });
        }
    });
}

#[test]
fn the_runtime_refuses_what_breaks_a_rule() {
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            runtime::all().iter().map(|runtime| scope.spawn(|| refusals(runtime))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Runs every case under a runtime; answers with what it should have refused, or should not.
fn refusals(runtime: &Runtime) -> Vec<String> {
    let (mut refused, mut wrong, host) = (0, Vec::new(), Host::read(&[]));
    for case in CASES {
        let Some(refuses) = case.by.refuses(runtime) else { continue };
        let mut spec = spec(case.patch);
        adapted::change_for(&mut spec, runtime.program, &host);
        let mut ran = runtime.run(&Bundle::new(&spec));
        if ran.started == refuses {
            // A fault is one that is seen twice: crun 1.8 now and then fails to write to a hook.
            ran = runtime.run(&Bundle::new(&spec));
        }
        if ran.started == refuses {
            let what = if refuses { "starts" } else { "does not start" };
            wrong.push(format!("{}: {}: {what}: {}", runtime.name, case.rule, ran.output));
        }
        refused += usize::from(refuses && ran.is_refused());
    }
    say(&format!("rules: {refused} specs that break one are refused by {}", runtime.name));
    wrong
}
