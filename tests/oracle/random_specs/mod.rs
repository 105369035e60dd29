//! Random specs, given to runtimes: what passes the rules starts, and what a rule of a runtime refuses does not start.
//!
//! A spec is what the oracle's random requests get from the library, or the spec of the cases of rules, and is then changed
//! at a few places ([`borders`]). A refusal that the spec does not show has a row in [`causes`].
//!
//! `SPECD_ORACLE_SPECS` says how many there are, and `SPECD_ORACLE_SEED` where chance starts: each spec depends on the seed and
//! on its number alone. `SPECD_ORACLE_SPEC` asks for one spec by its number.

mod borders;
mod causes;

use crate::case;
use crate::equipment;
use crate::run::{any_case, number, seed};
use crate::runtimes::adapted::{self, Host};
use crate::runtimes::bundle::Bundle;
use crate::runtimes::cases::{self, By, CASES, Case, RUNS};
use crate::runtimes::other_namespaces::OtherNamespaces;
use crate::runtimes::runtime::{self, Program, Runtime};
use crate::support::control_group::ControlGroup;
use crate::support::say::say;
use crate::support::service::Fixture;
use borders::Change;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};
use specd::domain::capability;
use specd::oci;
use specd::spec::rules::{self, Broken, Rule};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many specs there are where nobody says.
const SPECS: u64 = 60;

/// How many are run at a time.
const AT_A_TIME: usize = 2;

/// The number of faults after which a run ends.
const FAULTS: usize = 20;

/// How many smaller specs are tried for one with a fault.
const SHRINKS: usize = 60;

/// The profiles that specs come from.
const PROFILES: [&str; 5] = ["function", "hardened", "docker", "containerd-2.4", "containerd-1.7"];

/// Places that are not changed: they lead out of the bundle, or to control groups of others.
const KEPT: [&str; 3] = ["/root/path", "/linux/cgroupsPath", "/annotations"];

/// How a random spec is made.
#[derive(Debug)]
struct Recipe {
    base: Base,
    changes: Vec<Change>,
}

/// What is changed.
#[derive(Debug, Clone)]
enum Base {
    /// The answer to a request with a profile.
    Request(case::Case, &'static str),
    /// A spec that runs, by its number.
    Runs(usize),
    /// A spec that breaks a rule, by its number.
    Breaks(usize),
}

fn any_recipe() -> BoxedStrategy<Recipe> {
    let request = (any_case(), select(&PROFILES[..]));
    let base = prop_oneof![
        6 => request.prop_map(|(case, profile)| Base::Request(case, profile)),
        2 => (0..RUNS.len()).prop_map(Base::Runs),
        1 => (0..CASES.len()).prop_map(Base::Breaks),
    ];
    (base, borders::changes()).prop_map(|(base, changes)| Recipe { base, changes }).boxed()
}

/// What specs are run on.
struct Machine {
    host: Host,
    other: OtherNamespaces,
}

impl Machine {
    /// The spec of a recipe, changed for this machine; nothing where the request is refused.
    fn spec(&self, recipe: Recipe, number: u64) -> Option<Value> {
        let spec = match recipe.base {
            Base::Request(case, profile) => answer(case, profile)?,
            Base::Runs(at) => cases::spec(RUNS[at].1),
            Base::Breaks(at) => cases::spec(CASES[at].patch),
        };
        let mut spec = adapted::spec(&spec, Program::Runc, &self.host);
        if spec["process"]["args"].is_array() && spec["process"]["args"][0] != "" {
            spec["process"]["args"] = json!(["/bin/true"]);
        }
        for Change { place, value, any } in recipe.changes {
            match place {
                "ANY" => change_any(&mut spec, any, value),
                "USER" => {
                    add_namespace(&mut spec, "user");
                    for (name, list) in value.as_object().unwrap() {
                        spec["linux"][name] = list.clone();
                    }
                }
                "TIME" => {
                    add_namespace(&mut spec, "time");
                    spec["linux"]["timeOffsets"] = value;
                }
                place => set(&mut spec, place, any, value),
            }
        }
        self.join(&mut spec);
        if spec["linux"]["cgroupsPath"].is_string() {
            spec["linux"]["cgroupsPath"] = format!("/{}/x", group(number)).into();
        }
        Some(as_answered(spec))
    }

    /// Puts namespaces to join in the place of those that are not here.
    fn join(&self, spec: &mut Value) {
        for namespace in spec["linux"]["namespaces"].as_array_mut().into_iter().flatten() {
            let kind = namespace["type"].as_str().unwrap_or_default().to_owned();
            let path = namespace["path"].as_str().unwrap_or_default();
            let is_elsewhere = |start: &&str| path.starts_with(*start);
            if ["OTHER", "/proc/1/ns/", "/var/run/netns/"].iter().any(is_elsewhere) {
                namespace["path"] = self.other.path(&kind).into();
            }
        }
    }
}

/// A spec as the library writes it, where it reads it: without what is empty.
fn as_answered(spec: Value) -> Value {
    match oci::json::from_value::<oci::Spec>(spec.clone()) {
        Ok(typed) => serde_json::from_slice(&oci::json::to_vec(&typed).unwrap()).unwrap(),
        Err(_) => spec,
    }
}

/// The answer to a request.
fn answer(mut case: case::Case, profile: &str) -> Option<Value> {
    // A name that is refused says nothing about specs.
    (case.namespace, case.id) = ("default".to_owned(), "random".to_owned());
    let fixture = Fixture::new(&case.config, case.passwd.as_deref(), case.group.as_deref())
        .on(equipment::machine());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let answer = runtime.block_on(fixture.generate(case.request(profile))).ok()?;
    Some(serde_json::from_slice(&answer.spec.unwrap().value).unwrap())
}

fn add_namespace(spec: &mut Value, kind: &str) {
    let list = &mut spec["linux"]["namespaces"];
    if list.is_null() {
        *list = json!([]);
    }
    let list = list.as_array_mut().unwrap();
    if list.iter().all(|namespace| namespace["type"] != kind) {
        list.push(json!({ "type": kind }));
    }
}

/// Sets a value at a place, or removes what is there.
fn set(spec: &mut Value, place: &str, any: Index, value: Value) {
    let (path, last) = place.rsplit_once('/').unwrap();
    let mut at = spec;
    let names: Vec<&str> = path.split('/').skip(1).chain([last]).collect();
    for pair in names.windows(2) {
        // A list is made where an element is wanted, and an object where a field is.
        let empty = if matches!(pair[1], "-" | "?" | "0") { json!([]) } else { json!({}) };
        let Some(inner) = enter(at, pair[0], any, empty) else { return };
        at = inner;
    }
    match (at, last) {
        (Value::Object(object), _) if value.is_null() => drop(object.remove(last)),
        (Value::Object(object), _) => drop(object.insert(last.to_owned(), value)),
        (Value::Array(list), "-") => list.push(value),
        (Value::Array(list), "0") if last == "0" => list.insert(0, value),
        (Value::Array(list), "?") if !list.is_empty() => {
            let at = any.index(list.len());
            if value.is_null() { drop(list.remove(at)) } else { list[at] = value }
        }
        (Value::Array(list), number) => {
            if let Ok(at) = number.parse::<usize>() {
                list.truncate(at);
                list.push(value);
            }
        }
        _ => {}
    }
}

/// What a value has by a name.
fn enter<'a>(value: &'a mut Value, name: &str, any: Index, empty: Value) -> Option<&'a mut Value> {
    match value {
        Value::Array(list) if list.is_empty() => None,
        Value::Array(list) => {
            let at = any.index(list.len());
            Some(&mut list[at])
        }
        Value::Object(object) => {
            let inner = object.entry(name).or_insert(Value::Null);
            if inner.is_null() {
                *inner = empty;
            }
            Some(inner)
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Null => None,
    }
}

/// Sets a value at any place that is no object and no list.
fn change_any(spec: &mut Value, any: Index, value: Value) {
    let mut leaves = Vec::new();
    pointers(spec, "", &mut leaves, &|value| !value.is_object() && !value.is_array());
    leaves.retain(|leaf| !KEPT.iter().any(|kept| leaf.starts_with(kept)));
    if !leaves.is_empty() {
        *spec.pointer_mut(&leaves[any.index(leaves.len())]).unwrap() = value;
    }
}

/// Every place of some kind of value, as a JSON pointer.
fn pointers(value: &Value, at: &str, all: &mut Vec<String>, wanted: &dyn Fn(&Value) -> bool) {
    if wanted(value) {
        all.push(at.to_owned());
    }
    match value {
        Value::Array(list) => {
            for (index, inner) in list.iter().enumerate() {
                pointers(inner, &format!("{at}/{index}"), all, wanted);
            }
        }
        Value::Object(object) => {
            for (key, inner) in object {
                let key = key.replace('~', "~0").replace('/', "~1");
                pointers(inner, &format!("{at}/{key}"), all, wanted);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The control group of a spec.
fn group(number: u64) -> String {
    format!("{}/{number}", adapted::group())
}

/// What became of a spec under a runtime.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    /// It starts, and breaks no rule that the runtime has.
    Starts,
    /// It is refused, and breaks a rule.
    Refused,
    /// It is refused for a cause that the spec does not show.
    Excused(&'static str),
    /// It is refused, and breaks no rule.
    Passes(String),
    /// It breaks a rule of the runtime, and starts.
    Started(String),
}

/// The cases of a rule.
fn cases_of(rule: &Rule) -> impl Iterator<Item = &'static Case> {
    let name = rule.name;
    CASES.iter().filter(move |case| case.rule == name)
}

/// Runs a spec, changed for the runtime.
fn judge(spec: &Value, runtime: &Runtime, machine: &Machine) -> Outcome {
    let mut spec = spec.clone();
    adapted::change_for(&mut spec, runtime.program, &machine.host);
    let broken = rules::find_broken_in_json(spec.clone());
    let ran = runtime.run(&Bundle::new(&spec));
    let (refusing, warned): (Vec<&Broken>, Vec<&Broken>) =
        broken.iter().partition(|broken| broken.rule.refuses);
    let by = |by: By| by.refuses(runtime) == Some(true);
    // A program that a filter or a limit ends has started.
    if ran.is_refused() {
        let may =
            |it: &&Broken| cases_of(it.rule).any(|case| case.by.refuses(runtime) != Some(false));
        let may_refuse = warned.iter().any(may);
        if !refusing.is_empty() || may_refuse {
            return Outcome::Refused;
        }
        return match causes::find(&spec, runtime, &machine.host, &ran.output) {
            Some(reason) => Outcome::Excused(reason),
            None => Outcome::Passes(ran.output),
        };
    }
    let must_refuse = |it: &&Broken| cases_of(it.rule).all(|case| by(case.by));
    match refusing
        .into_iter()
        .filter(|it| !causes::starts_here(it, &spec, runtime))
        .find(must_refuse)
    {
        Some(it) => Outcome::Started(format!("{}: {it}", it.rule.name)),
        None => Outcome::Starts,
    }
}

/// What was seen.
#[derive(Default)]
struct Seen {
    not_answered: u64,
    passed: u64,
    refused: u64,
    runs: u64,
    excused: BTreeMap<&'static str, u64>,
    faults: Vec<String>,
    /// The kinds of faults: one of each is made smaller.
    kinds: BTreeSet<Option<String>>,
}

#[test]
fn random_specs_start_or_break_a_rule() {
    if runtime::all().is_empty() || std::env::consts::ARCH != "x86_64" {
        return;
    }
    let capabilities: Vec<String> = capability::KNOWN.iter().map(|&name| name.to_owned()).collect();
    let machine = Machine { host: Host::read(&capabilities), other: OtherNamespaces::start() };
    let _group = ControlGroup::hold(&adapted::group());
    let (seed, asked) = (seed(), number("SPECD_ORACLE_SPEC"));
    let count = number("SPECD_ORACLE_SPECS").unwrap_or(SPECS);
    let (next, seen) = (AtomicU64::new(asked.unwrap_or(0)), Mutex::new(Seen::default()));
    let end = asked.map_or(count, |asked| asked + 1);
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                let strategy = any_recipe();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= end || seen.lock().unwrap().faults.len() >= FAULTS {
                        return;
                    }
                    let recipe = strategy.new_tree(&mut runner(seed, number)).unwrap().current();
                    check(&machine, recipe, seed, number, &seen);
                }
            });
        }
    });
    let Seen { not_answered, passed, refused, runs, excused, faults, .. } =
        seen.into_inner().unwrap();
    let mut summary = format!(
        "random specs: seed {seed}, {count} requests and changes: {passed} specs keep the rules, {refused} break one, \
         {not_answered} requests are refused; {runs} runs, {} refusals that the spec does not show",
        excused.values().sum::<u64>(),
    );
    for (reason, count) in &excused {
        summary += &format!("\n    {count:5} {reason}");
    }
    say(&summary);
    assert!(faults.is_empty(), "{} faults:\n\n{}", faults.len(), faults.join("\n\n"));
}

/// Checks one spec under each program, every other time with control groups of version 2.
fn check(machine: &Machine, recipe: Recipe, seed: u64, number: u64, seen: &Mutex<Seen>) {
    let Some(spec) = machine.spec(recipe, number) else {
        seen.lock().unwrap().not_answered += 1;
        return;
    };
    let _group = ControlGroup::hold(&group(number));
    let broken = rules::find_broken_in_json(spec.clone());
    let keeps = broken.iter().all(|broken| !broken.rule.refuses);
    let suits = |runtime: &&Runtime| {
        runtime.program == Program::Crun || runtime.version_2 == (number % 2 == 1)
    };
    let (mut outcomes, mut faults) = (Vec::new(), Vec::new());
    for runtime in runtime::all().iter().filter(suits) {
        let mut outcome = judge(&spec, runtime, machine);
        if matches!(outcome, Outcome::Passes(_) | Outcome::Started(_)) {
            // A fault is one that is seen twice: a machine with much to do has others.
            outcome = judge(&spec, runtime, machine);
        }
        let fault = match &outcome {
            Outcome::Passes(message) => format!("keeps the rules and is refused: {message}"),
            Outcome::Started(rule) => format!("breaks a rule and starts: {rule}"),
            Outcome::Starts | Outcome::Refused | Outcome::Excused(_) => String::new(),
        };
        if !fault.is_empty() {
            let known = !seen.lock().unwrap().kinds.insert(kind(&outcome));
            let least = if known { spec.clone() } else { least(&spec, &outcome, runtime, machine) };
            faults.push(format!("seed {seed}, spec {number}, {}: {fault}\n{least}", runtime.name));
        }
        outcomes.push(outcome);
    }
    // A rule of some runtime is broken, and none has it. Limits are checked with version 1.
    let own = broken.iter().any(|it| it.rule.refuses && it.rule.is_own());
    let starts = outcomes.iter().all(|outcome| *outcome == Outcome::Starts);
    if !keeps && !own && starts && number.is_multiple_of(2) && faults.is_empty() {
        let broken = broken.iter();
        let broken = broken.filter(|it| it.rule.refuses && !causes::starts_everywhere(it, &spec));
        let all: Vec<String> = broken.map(|it| format!("{}: {it}", it.rule.name)).collect();
        if !all.is_empty() {
            faults.push(format!(
                "seed {seed}, spec {number}: no runtime refuses it: {all:?}\n{spec}"
            ));
        }
    }
    let mut seen = seen.lock().unwrap();
    *(if keeps { &mut seen.passed } else { &mut seen.refused }) += 1;
    seen.runs += outcomes.len() as u64;
    for outcome in outcomes {
        if let Outcome::Excused(reason) = outcome {
            *seen.excused.entry(reason).or_default() += 1;
        }
    }
    faults.iter().for_each(|fault| say(fault));
    seen.faults.append(&mut faults);
}

/// What an outcome has in common with others of its kind.
fn kind(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Passes(message) => {
            // Without what differs from run to run.
            let words = message.lines().last()?.split(['"', ' ', '=']);
            let words = words.filter(|word| !word.contains("specd-") && !word.contains(':'));
            Some(words.collect::<Vec<_>>().join(" "))
        }
        Outcome::Started(rule) => rule.split(':').next().map(str::to_owned),
        Outcome::Starts | Outcome::Refused | Outcome::Excused(_) => None,
    }
}

/// The least of a spec that has the same kind of outcome, as far as a number of runs can tell.
fn least(spec: &Value, outcome: &Outcome, runtime: &Runtime, machine: &Machine) -> Value {
    let (mut least, mut runs) = (spec.clone(), 0);
    let mut places = Vec::new();
    pointers(spec, "", &mut places, &|_| true);
    // What is outside before what is inside, and the end of a list before its beginning.
    places.reverse();
    places.sort_by_key(|place| place.matches('/').count());
    for place in places.iter().filter(|place| !place.is_empty()) {
        let mut smaller = least.clone();
        let (outer, last) = place.rsplit_once('/').unwrap();
        let removed = match smaller.pointer_mut(outer) {
            Some(Value::Object(object)) => {
                object.remove(&last.replace("~1", "/").replace("~0", "~"))
            }
            Some(Value::Array(list)) => {
                let at = last.parse().unwrap();
                (at < list.len()).then(|| list.remove(at))
            }
            _ => None,
        };
        if removed.is_none() || runs >= SHRINKS {
            continue;
        }
        runs += 1;
        if kind(&judge(&smaller, runtime, machine)) == kind(outcome) {
            least = smaller;
        }
    }
    least
}

/// The source of chance of one spec.
fn runner(seed: u64, number: u64) -> TestRunner {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8..16].copy_from_slice(&number.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    TestRunner::new_with_rng(Config::default(), rng)
}
