//! Random seccomp policies, against Docker's own code and Go's own encoder.
//!
//! The program in `oracle/seccomp` is built here. Where there is no Go, or its modules cannot be had, the
//! test says that it is skipped.
//!
//! A policy that is in order must give the same bytes. One that is not must fail here wherever it fails in
//! Go; that more fails here is wanted.

use crate::support::go_json::escaped;
use crate::support::say::say;
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use specd::oci::Seccomp;
use specd::spec::seccomp::{SeccompError, SeccompFacts, docker_policy, oci_object};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

const POLICIES: usize = 400;

const CAPABILITIES: [&str; 5] =
    ["CAP_BPF", "CAP_CHOWN", "CAP_PERFMON", "CAP_SYS_ADMIN", "CAP_SYS_BOOT"];
const ARCHITECTURES: [&str; 5] =
    ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM", "SCMP_ARCH_S390X"];
const NAMES: [&str; 6] = ["amd64", "x86", "x32", "arm64", "s390x", "riscv64"];
const KERNELS: [&str; 7] = ["3.10", "4.8", "5.15", "6.1", "6.18", "7.0", "255.255"];

/// The one deliberate difference: Go loses that a filter wants no flags, where runc would set its own.
const NO_FLAGS: &str = ",\"flags\":[]";

/// What a field must not be.
const JUNK: [&str; 12] = [
    "7",
    "-1",
    "1.5",
    "\"\"",
    "\"x\"",
    "\"0.0\"",
    "true",
    "[]",
    "[null]",
    "[7]",
    "{}",
    "{\"x\":[1]}",
];

#[derive(Deserialize)]
struct Host {
    architecture: String,
    kernel: String,
}

#[derive(Deserialize)]
struct Answer {
    filter: Option<Box<RawValue>>,
    error: Option<String>,
}

/// An object of the fields that exist.
fn object(fields: Vec<(&str, Option<Value>)>) -> Value {
    fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

fn some<T: Clone + std::fmt::Debug + Into<Value> + 'static>(
    of_these: &[T],
) -> BoxedStrategy<Value> {
    subsequence(of_these.to_vec(), 0..=of_these.len()).prop_shuffle().prop_map(Value::from).boxed()
}

fn one(of_these: &'static [&'static str]) -> BoxedStrategy<Value> {
    select(of_these).prop_map(Value::from).boxed()
}

/// An action, and the number that it may return.
fn action() -> BoxedStrategy<(Value, Option<Value>)> {
    prop_oneof![
        (one(&["SCMP_ACT_ERRNO", "SCMP_ACT_TRACE"]), of((0..4096).prop_map(Value::from))),
        one(&["SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_TRAP"])
            .prop_map(|action| (action, None)),
    ]
    .boxed()
}

fn argument() -> BoxedStrategy<Value> {
    let operator = one(&["SCMP_CMP_EQ", "SCMP_CMP_NE", "SCMP_CMP_GT", "SCMP_CMP_MASKED_EQ"]);
    let number = || prop_oneof![Just(0_u64), any::<u64>()];
    (0..6_u64, number(), of(number()), operator)
        .prop_map(|(index, value, two, op)| {
            let two = two.map(Value::from);
            let value = Some(value.into());
            object(vec![
                ("op", Some(op)),
                ("index", Some(index.into())),
                ("valueTwo", two),
                ("value", value),
            ])
        })
        .boxed()
}

fn condition() -> BoxedStrategy<Value> {
    (of(some(&CAPABILITIES)), of(some(&NAMES)), of(one(&KERNELS)))
        .prop_map(|(caps, arches, kernel)| {
            object(vec![("caps", caps), ("arches", arches), ("minKernel", kernel)])
        })
        .boxed()
}

/// A rule, in Docker's format or in the specification's.
fn rule(docker: bool) -> BoxedStrategy<Value> {
    let names = vec(select(&["read", "write", "clone", "<&>"][..]), 1..4);
    let conditions = (of(condition()), of(condition()));
    (names, any::<bool>(), action(), of(vec(argument(), 0..3)), conditions)
        .prop_map(move |(names, older, (action, errno), args, (includes, excludes))| {
            let older = docker && older && names.len() == 1;
            let mut fields = vec![
                if older { ("name", Some(names[0].into())) } else { ("names", Some(names.into())) },
                ("args", args.map(Value::from)),
                ("errnoRet", errno),
                ("action", Some(action)),
            ];
            if docker {
                fields.extend([("includes", includes), ("excludes", excludes)]);
                fields.push(("comment", Some("why".into())));
            }
            object(fields)
        })
        .boxed()
}

fn policy(docker: bool) -> BoxedStrategy<Value> {
    let flags = some(&["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_TSYNC"])
        .prop_filter("no flags at all stay in an object", |flags| flags != &json!([]));
    let entry = (one(&ARCHITECTURES), of(some(&ARCHITECTURES))).prop_map(|(own, others)| {
        object(vec![("subArchitectures", others), ("architecture", Some(own))])
    });
    let listener = of(Just(json!("/run/agent")));
    let architectures = (any::<bool>(), some(&ARCHITECTURES), vec(entry, 0..4));
    (action(), of(flags), listener, architectures, vec(rule(docker), 0..8))
        .prop_map(move |((action, errno), flags, listener, (listed, list, map), rules)| {
            let map = Some(Value::from(map)).filter(|_| docker && !listed);
            let metadata = listener.clone();
            object(vec![
                ("syscalls", Some(rules.into())),
                ("archMap", map),
                ("architectures", Some(list).filter(|_| !docker || listed)),
                ("listenerMetadata", metadata),
                ("listenerPath", listener),
                ("flags", flags),
                ("defaultErrnoRet", errno),
                ("defaultAction", Some(action)),
            ])
        })
        .boxed()
}

/// A policy with one value, somewhere, replaced.
fn broken(docker: bool) -> BoxedStrategy<Value> {
    (policy(docker), any::<prop::sample::Index>(), select(&JUNK[..]))
        .prop_map(|(mut policy, at, junk)| {
            let mut places = Vec::new();
            walk(&policy, String::new(), &mut places);
            let place = at.get(&places).clone();
            *policy.pointer_mut(&place).unwrap() = serde_json::from_str(junk).unwrap();
            policy
        })
        .boxed()
}

/// The pointer of every value inside.
fn walk(value: &Value, at: String, places: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, inner)| walk(inner, format!("{at}/{key}"), places));
        }
        Value::Array(list) => {
            let entries = list.iter().enumerate();
            entries.for_each(|(index, inner)| walk(inner, format!("{at}/{index}"), places));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    places.push(at);
}

/// Builds the program; or says why it cannot be had.
fn build() -> Result<String, String> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/seccomp");
    let program = format!("{}/seccomp-oracle", env!("CARGO_TARGET_TMPDIR"));
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/local/go/bin";
    let go = |arguments: &[&str]| {
        let mut go = Command::new("go");
        go.args(arguments).current_dir(&sources).env("PATH", &path);
        go.env("CGO_ENABLED", "0").env("GOFLAGS", "").output()
    };
    let modules = go(&["mod", "download"]).map_err(|error| format!("go: {error}"))?;
    if !modules.status.success() {
        return Err(String::from_utf8_lossy(&modules.stderr).trim().to_owned());
    }
    let built = go(&["build", "-trimpath", "-o", &program, "."]).unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    Ok(program)
}

/// Asks all questions at once.
fn ask(program: &str, questions: &[Value]) -> (SeccompFacts, Vec<Answer>) {
    let mut child =
        Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let text: String = questions.iter().map(|question| format!("{question}\n")).collect();
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    let mut lines = output.lines();
    let host: Host = serde_json::from_str(lines.next().unwrap()).unwrap();
    let mut numbers = host.kernel.split(['.', '-']).map_while(|number| number.parse().ok());
    let kernel = (numbers.next().unwrap(), numbers.next().unwrap());
    let answers = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
    (SeccompFacts { architecture: host.architecture, kernel }, answers)
}

fn capabilities(names: &Value) -> Vec<String> {
    Vec::deserialize(names).unwrap()
}

/// Our bytes, in Go's form.
fn text(filter: &Seccomp) -> String {
    escaped(&serde_json::to_string(filter).unwrap())
}

#[derive(Default, Debug)]
struct Tally {
    equal: usize,
    both_fail: usize,
    refused: usize,
}

fn compare(program: &str, docker: bool, strategy: &BoxedStrategy<Value>) -> Tally {
    let mut runner = TestRunner::deterministic();
    let bounding = some(&CAPABILITIES);
    let mut draw = |from: &BoxedStrategy<Value>| from.new_tree(&mut runner).unwrap().current();
    let key = if docker { "docker" } else { "filter" };
    let questions: Vec<Value> = (0..POLICIES)
        .map(|_| json!({ key: draw(strategy), "bounding": draw(&bounding) }))
        .collect();
    let (host, answers) = ask(program, &questions);
    assert_eq!(answers.len(), questions.len());
    let mut tally = Tally::default();
    for (question, Answer { filter, error }) in questions.iter().zip(answers) {
        let policy = &question[key];
        let ours = match docker {
            true => docker_policy(policy, &host, &capabilities(&question["bounding"])),
            false => oci_object(policy),
        };
        match (ours, filter) {
            (Ok(ours), Some(gos)) => {
                let without = text(&ours).replace(NO_FLAGS, "");
                assert_eq!(without, gos.get(), "{question}");
                tally.equal += 1;
            }
            (Err(SeccompError::Policy(_)), None) => tally.both_fail += 1,
            (Err(SeccompError::Policy(_)), Some(_)) => tally.refused += 1,
            (ours, _) => panic!("Go says {error:?}, and we {ours:?}, to {question}"),
        }
    }
    tally
}

#[test]
fn random_policies_give_what_docker_and_go_give() {
    let program = match build() {
        Ok(program) => program,
        Err(why) => return say(&format!("SKIPPED: seccomp policies against Docker's code: {why}")),
    };
    let no_flags = json!({ "filter": { "defaultAction": "SCMP_ACT_ALLOW", "flags": [] } });
    let gos = &ask(&program, std::slice::from_ref(&no_flags)).1[0];
    let ours = text(&oci_object(&no_flags["filter"]).unwrap());
    assert_ne!(
        ours,
        gos.filter.as_ref().unwrap().get(),
        "the deliberate difference does not exist"
    );
    assert!(ours.contains(NO_FLAGS), "{ours}");
    for (docker, name) in [(true, "policies in Docker's format"), (false, "OCI objects")] {
        let whole = compare(&program, docker, &policy(docker));
        assert_eq!(whole.equal, POLICIES, "{name}: {whole:?}");
        let broken = compare(&program, docker, &broken(docker));
        say(&format!("seccomp, {name}: {} equal; of broken ones {broken:?}", whole.equal));
        assert!(broken.both_fail > POLICIES / 4, "{name}: {broken:?}");
    }
}
