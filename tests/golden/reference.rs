//! The replay: what the Go clients of seven containerd releases answered, against what the profile of each
//! answers.
//!
//! The data lies outside the repository: `SPECD_REFERENCE` names its directory. Without it this test says
//! that it is skipped.
//!
//! Each case must agree byte for byte with Go's `json.Marshal`, fail where Go fails, or be on the list of
//! refusals, which holds a reason for each; and each of the list must still be refused.
//!
//! The data is of 1.6.36 and 1.7.35, and the profiles equal later patch releases. What these changed is listed
//! ([`PATCHED`], [`REFUSALS_1_6`]); the oracle compares the patch releases themselves.

use crate::support::go_json::escaped;
use crate::support::go_options::{Op, options};
use crate::support::say::say;
use crate::support::service::Fixture;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use specd::api::pb::specd as pb;
use specd::domain::host_facts::HostFacts;
use specd::generate::Machine;
use specd::host::stated::{self, Stated};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where this server refuses and Go's client answers.
const REFUSALS: [(&str, &[&str]); 9] = [
    ("a variable without a value fails in the runtime", &["env-odd"]),
    ("masked paths without a mount namespace fail in the runtime", &["host-mount"]),
    ("an empty half of USER is read as 0, which is root", &["user-16", "user-17", "user-18"]),
    ("a passwd line without a number is read as uid 0", &["user-22"]),
    (
        "a group line of the user without a number is read as gid 0",
        &[
            "user-02",
            "user-05",
            "user-10",
            "user-11",
            "user-12",
            "user-13",
            "user-option",
            "case-insensitive-keys",
        ],
    ),
    ("a relative working directory fails in the runtime", &["cwd-relative"]),
    ("an empty first argument fails in the runtime", &["entrypoint-empty-string"]),
    (
        "nothing to run fails in the runtime",
        &[
            "no-config",
            "null-config",
            "empty-config",
            "real-000",
            "real-003",
            "real-074",
            "real-075",
            "real-076",
            "real-077",
            "real-078",
            "real-080",
            "real-141",
            "real-164",
            "real-165",
            "real-166",
            "real-167",
            "real-168",
            "real-169",
            "real-170",
            "real-171",
            "real-172",
            "real-173",
            "real-174",
            "real-175",
            "real-176",
            "real-177",
            "real-179",
            "real-182",
            "real-193",
            "real-194",
            "real-195",
            "real-196",
            "real-198",
        ],
    ),
    ("the configuration is not of a Linux image", &["real-065", "real-197"]),
];

/// Cases with options that this API does not have in that form, or not yet.
const INEXPRESSIBLE: [(&str, &[&str]); 1] = [("every request has an image", &["default-no-image"])];

#[derive(Deserialize)]
struct Case {
    name: String,
    namespace: String,
    id: String,
    passwd: Option<String>,
    group: Option<String>,
    config: Option<Box<RawValue>>,
    raw: Option<String>,
    ops: Vec<Op>,
}

#[derive(Deserialize)]
struct Want {
    name: String,
    spec: Option<Box<RawValue>>,
    error: Option<String>,
}

fn lines<T: for<'a> Deserialize<'a>>(path: &Path) -> Vec<T> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What 1.6.36 answers, and 1.6.38 refuses.
const REFUSALS_1_6: (&str, &[&str]) = (
    "a number out of range wraps round, or is looked up as a name",
    &["user-09", "user-24", "user-25", "user-26", "user-28", "user-33", "user-99999-as-name"],
);

const RELEASES: [&str; 7] = ["1.6", "1.7", "2.0", "2.1", "2.2", "2.3", "2.4"];

/// What a later patch release changed in every spec: 1.7.36 masks `/proc/interrupts` (GHSA-6fw5-f8r9-fgfm).
const PATCHED: [(&str, &str, &str); 1] = [(
    "1.7",
    r#""/proc/asound","/proc/kcore""#,
    r#""/proc/asound","/proc/interrupts","/proc/kcore""#,
)];

fn refusal(release: &str, name: &str) -> Option<&'static str> {
    let of_release = if release == "1.6" { listed(&[REFUSALS_1_6], name) } else { None };
    of_release.or_else(|| listed(&REFUSALS, name))
}

fn listed(list: &[(&'static str, &[&str])], name: &str) -> Option<&'static str> {
    list.iter().find(|(_, names)| names.contains(&name)).map(|(reason, _)| *reason)
}

/// The platform that a configuration states, where it is one of Linux: Go's client does not ask for it.
fn platform(config: &str) -> Option<pb::Platform> {
    let value: Value = serde_json::from_str(config).ok()?;
    let field = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (os, architecture) = (field("os"), field("architecture"));
    let states = os == "linux" && !architecture.is_empty() && !architecture.contains('$');
    states.then(|| pb::Platform {
        os,
        architecture,
        variant: field("variant"),
        ..Default::default()
    })
}

/// Where two texts part, with what follows.
fn first_difference(ours: &str, gos: &str) -> Option<String> {
    let same = ours.bytes().zip(gos.bytes()).take_while(|(a, b)| a == b).count();
    if same == ours.len() && same == gos.len() {
        return None;
    }
    let rest = |text: &str| {
        String::from_utf8_lossy(&text.as_bytes()[same..]).chars().take(80).collect::<String>()
    };
    Some(format!("ours {:?}, Go's {:?}", rest(ours), rest(gos)))
}

#[derive(Default)]
struct Tally {
    equal: usize,
    both_fail: usize,
    refused: usize,
    left_out: Vec<String>,
    wrong: Vec<String>,
}

/// The machine on which Go's client was asked, as far as it was asked about it.
fn machine() -> Machine {
    let null = r#"{"devices":[{"path":"/dev/null","type":"c","major":1,"minor":3,"fileMode":438,"uid":0,"gid":0}]}"#;
    let facts = stated::parse(null, HostFacts::default()).unwrap();
    let devices = Stated::new(facts.devices.unwrap_or_default());
    Machine { devices: Arc::new(devices), ..Machine::default() }
}

fn bytes(file: &Option<String>) -> Option<&[u8]> {
    file.as_deref().map(str::as_bytes)
}

async fn replay(release: &str, cases: Vec<Case>, wants: Vec<Want>, tally: &mut Tally) {
    let wants: HashMap<String, Want> = wants.into_iter().map(|w| (w.name.clone(), w)).collect();
    for case in cases {
        let name = &case.name;
        let options = options(&case.ops);
        let Some(mut options) = options.filter(|_| listed(&INEXPRESSIBLE, name).is_none()) else {
            tally.left_out.push(name.clone());
            continue;
        };
        if case.ops.iter().any(|op| op.op == "WithPrivileged") {
            // Go's client gives the capabilities of the calling process, which lacked one.
            let capabilities = options.capabilities.get_or_insert_default();
            capabilities.set = Some(pb::StringList { values: vec!["ALL".to_owned()] });
            capabilities.drop = vec!["CAP_SYS_RESOURCE".to_owned()];
        }
        let config = case.raw.as_deref().or(case.config.as_deref().map(RawValue::get)).unwrap();
        let fixture =
            Fixture::new(config.as_bytes(), bytes(&case.passwd), bytes(&case.group)).on(machine());
        let answer = fixture
            .generate(pb::GenerateRequest {
                namespace: case.namespace.clone(),
                id: case.id.clone(),
                profile: format!("containerd-{release}"),
                platform: platform(config),
                options: Some(options.into()),
                ..Default::default()
            })
            .await;
        let want = &wants[name];
        let refusal = refusal(release, name);
        match (answer, &want.spec, &want.error, refusal) {
            (Ok(got), Some(spec), _, None) => {
                let got = String::from_utf8(got.spec.unwrap().value).unwrap();
                // The reference was written without the escapes.
                let mut want = escaped(spec.get());
                for (_, before, after) in PATCHED.iter().filter(|(of, ..)| *of == release) {
                    want = want.replace(before, after);
                }
                match first_difference(&got, &want) {
                    None => tally.equal += 1,
                    Some(at) => tally.wrong.push(format!("{name}: {at}")),
                }
            }
            (Err(_), Some(_), _, Some(_)) => tally.refused += 1,
            (Ok(_), _, _, Some(_)) => tally.wrong.push(format!("{name}: is no longer refused")),
            (_, None, Some(error), None) if error.ends_with("not in this release") => {
                tally.left_out.push(name.clone());
            }
            (Err(_), None, Some(_), None) => tally.both_fail += 1,
            (Ok(_), None, error, None) => {
                tally.wrong.push(format!("{name}: Go fails, we do not: {error:?}"));
            }
            (Err(status), Some(_), _, None) => {
                tally.wrong.push(format!("{name}: refused, and not on the list: {status}"));
            }
            (Err(_), None, ..) => tally.wrong.push(format!("{name}: the reference has no answer")),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_release_answers_what_its_go_client_answers() {
    let Some(reference) = std::env::var_os("SPECD_REFERENCE").map(PathBuf::from) else {
        say("SKIPPED: the replay of containerd's answers: SPECD_REFERENCE names no directory");
        return;
    };
    let read = |path: &str| reference.join(path);
    let mut wrong = Vec::new();
    for release in RELEASES {
        let mut tally = Tally::default();
        let wants = lines(&read(&format!("containerd/want-{release}.jsonl")));
        replay(release, lines(&read("containerd/cases.jsonl")), wants, &mut tally).await;
        if release == "2.4" {
            let wants = lines(&read("real/want-2.4.jsonl"));
            replay(release, lines(&read("real/cases.jsonl")), wants, &mut tally).await;
        }
        let Tally { equal, both_fail, refused, left_out, wrong: found } = tally;
        say(&format!(
            "replay of {release}: {equal} equal byte for byte, {both_fail} fail on both sides, {refused} \
             refused by name, {} not asked: {}",
            left_out.len(),
            left_out.join(" "),
        ));
        assert!(equal + both_fail + refused > 80, "the reference is not whole");
        wrong.extend(found.into_iter().map(|text| format!("{release} {text}")));
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
