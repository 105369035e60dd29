//! Execs and updates: a spec that Go's client made is stored, options of chance are applied to it on both
//! sides, and the process or the limits are compared, byte for byte.

use crate::Release;
use crate::case::{Case, Op};
use crate::deliberate::{self, Known, Seen};
use crate::options::{Chosen, TABLE};
use crate::program::{Answer, Program};
use crate::support::say::say;
use crate::support::tasks::Tasks;
use crate::text;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use specd::api::pb::specd::{self as pb, SpecService};
use specd::spec::encode::TYPE_URL;
use specd::store::StoredContainer;
use tokio::runtime::Runtime;
use tonic::{Code, Request, Status};

/// The options that an exec can have, by the names of their rows; except scheduler and affinity, which are laid
/// over what is stored there, and replace it here.
const OF_AN_EXEC: &[&str] = &[
    "env",
    "cwd",
    "terminal",
    "user",
    "additional_groups",
    "WithTTYSize",
    "WithRlimit",
    "WithUmask",
    "capabilities",
    "WithAddedCapabilities",
    "WithDroppedCapabilities",
    "WithAmbientCapabilities",
    "WithSelinuxLabel",
    "WithApparmorProfile",
    "no_new_privileges",
    "user without groups",
    "WithUserID",
    "WithUIDGID",
    "io_priority",
    "oom_score_adj",
];

/// The options that an update can have.
const OF_AN_UPDATE: &[&str] = &[
    "WithMemoryLimit",
    "WithMemorySwap",
    "WithPidsLimit",
    "WithCPUShares",
    "WithCPUs",
    "WithCPUsMems",
    "WithCPUCFS",
    "WithCPUBurst",
    "WithCPURT",
    "WithBlockIO",
    "memory of a control group",
    "idle",
    "weights by device",
    "hugepages, network and rdma",
    "unified",
];

/// A part of a stored spec, as the program in Go is asked for it.
#[derive(Serialize)]
struct Question<'a> {
    part: &'static str,
    stored: Box<RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    passwd64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group64: Option<String>,
    namespace: &'a str,
    id: &'a str,
    ops: Vec<Op>,
}

/// How often both sides agreed, or did not on purpose.
#[derive(Default)]
struct Count {
    equal: usize,
    both_fail: usize,
    deliberate: usize,
}

/// Some of these options.
fn any_of(names: &'static [&'static str]) -> BoxedStrategy<Vec<Chosen>> {
    let each: Vec<_> = TABLE
        .iter()
        .enumerate()
        .filter(|(_, entry)| names.contains(&entry.name))
        .map(|(row, entry)| {
            let chosen = (entry.values)().prop_map(move |value| Chosen { row, value });
            prop::option::weighted(0.15, chosen)
        })
        .collect();
    each.prop_map(|each| each.into_iter().flatten().collect()).boxed()
}

fn command() -> BoxedStrategy<Vec<String>> {
    (text::program(), vec(text::any(), 0..4))
        .prop_map(|(program, rest)| [vec![program], rest].concat())
        .boxed()
}

fn options_of(chosen: &[Chosen]) -> (Vec<Op>, pb::SpecOptions) {
    // The first operation is the image's, which some rows replace.
    let (mut ops, mut options) = (vec![Op::new("image", Value::Null)], pb::SpecOptions::default());
    // An empty list empties in Go, and asks for nothing here.
    let empties =
        |one: &&Chosen| TABLE[one.row].name == "WithAmbientCapabilities" && one.value == json!([]);
    for chosen in chosen.iter().filter(|one| !empties(one)) {
        (TABLE[chosen.row].ops)(&chosen.value, &mut ops);
        (TABLE[chosen.row].pb)(&chosen.value, &mut options);
    }
    ops.remove(0);
    (ops, options)
}

/// Asks so many execs and updates of one release.
pub(crate) fn check(
    release: &Release,
    program: &mut Program,
    runtime: &Runtime,
    runner: &mut TestRunner,
    cases: &BoxedStrategy<Case>,
    count: u64,
) {
    let mut seen = Count::default();
    let mut wrong = Vec::new();
    let strategy = (cases.clone(), command(), any_of(OF_AN_EXEC));
    for _ in 0..count {
        let (case, command, options) = strategy.new_tree(runner).unwrap().current();
        // A container with an invalid id cannot be stored.
        if specd::domain::ids::check(&case.id).is_err()
            || specd::domain::ids::check(&case.namespace).is_err()
        {
            continue;
        }
        let Answer::Spec(stored) = program.ask(&case.question()) else {
            continue;
        };
        let case = Case { options, ..case };
        let go = exec_of_go(program, &case, &stored, &command);
        let ours = runtime.block_on(exec_of_ours(release, &case, &stored, &command));
        compare(release, &case, go, ours, &mut seen, &mut wrong);
    }
    let limits = any_of(OF_AN_UPDATE);
    for _ in 0..count {
        let options = limits.new_tree(runner).unwrap().current();
        let case = Case { options, ..deliberate::plain() };
        let (ops, options) = options_of(&case.options);
        if ops.is_empty() {
            continue;
        }
        let stored = RawValue::from_string(r#"{"linux":{}}"#.to_owned()).unwrap();
        let question = question("resources", &case, stored, ops);
        let go = program.ask(&question);
        let options = Some(pb::UpdateOptions { resources: options.resources });
        let tasks = Tasks::new(None, None, None);
        let request = Request::new(pb::GenerateResourcesRequest { options, ..Default::default() });
        let ours = runtime.block_on(tasks.service.generate_resources(request));
        let ours = ours.map(|answer| text_of(answer.into_inner().resources));
        compare(release, &case, go, ours, &mut seen, &mut wrong);
    }
    let version = release.version;
    say(&format!(
        "oracle: containerd {version}, {} processes and limits equal byte for byte, {} fail on both sides, \
         {} differ on purpose",
        seen.equal, seen.both_fail, seen.deliberate
    ));
    assert!(wrong.is_empty(), "{version}: {} differences:\n\n{}", wrong.len(), wrong.join("\n\n"));
    assert!(
        seen.equal as u64 * 3 > count,
        "{version}: too few cases give an answer to say anything"
    );
}

fn question<'a>(
    part: &'static str,
    case: &'a Case,
    stored: Box<RawValue>,
    ops: Vec<Op>,
) -> Question<'a> {
    let encode = |bytes: &Vec<u8>| STANDARD.encode(bytes);
    Question {
        part,
        stored,
        passwd64: case.passwd.as_ref().map(encode),
        group64: case.group.as_ref().map(encode),
        namespace: &case.namespace,
        id: &case.id,
        ops,
    }
}

fn exec_of_go(program: &mut Program, case: &Case, stored: &str, command: &[String]) -> Answer {
    let (mut ops, _) = options_of(&case.options);
    ops.insert(0, Op::new("execArgs", command.to_vec()));
    let stored = RawValue::from_string(stored.to_owned()).unwrap();
    program.ask(&question("process", case, stored, ops))
}

async fn exec_of_ours(
    release: &Release,
    case: &Case,
    stored: &str,
    command: &[String],
) -> Result<String, Status> {
    let (_, options) = options_of(&case.options);
    let mut process = options.process.unwrap_or_default();
    process.command = Some(pb::StringList { values: command.to_vec() });
    let security = options.security.unwrap_or_default();
    let security = pb::ExecSecurityOptions {
        no_new_privileges: security.no_new_privileges,
        apparmor_profile: security.apparmor_profile,
        selinux_label: security.selinux_label,
    };
    let container = StoredContainer {
        type_url: TYPE_URL.to_owned(),
        spec: stored.as_bytes().to_vec(),
        snapshotter: "native".to_owned(),
        snapshot_key: "root".to_owned(),
    };
    let tasks = Tasks::new(Some(container), case.passwd.as_deref(), case.group.as_deref());
    let request = pb::GenerateProcessRequest {
        namespace: case.namespace.clone(),
        id: case.id.clone(),
        profile: release.profile.to_owned(),
        options: Some(pb::ExecOptions {
            process: Some(process),
            user: options.user,
            capabilities: options.capabilities,
            security: Some(security),
        }),
        ..Default::default()
    };
    let answer = tasks.service.generate_process(Request::new(request)).await?;
    Ok(text_of(answer.into_inner().process))
}

fn text_of(any: Option<prost_types::Any>) -> String {
    String::from_utf8(any.unwrap().value).unwrap()
}

/// A process without the ambient capabilities that it is not permitted any more, or that are not in the set
/// that was asked for: Go's client leaves them, and the kernel does not grant the first.
fn without_stale_ambient(process: &str, case: &Case) -> Option<Value> {
    let before = parse(process);
    let mut process = before.clone();
    let set = case.options.iter().find(|chosen| TABLE[chosen.row].name == "capabilities");
    let set = set.and_then(|chosen| chosen.value.as_array());
    let in_set = |one: &Value| set.is_none_or(|set| set.contains(one));
    let permitted = process["capabilities"]["permitted"].as_array().cloned().unwrap_or_default();
    if let Some(lists) = process.get_mut("capabilities").and_then(Value::as_object_mut)
        && let Some(ambient) = lists.get_mut("ambient").and_then(Value::as_array_mut)
    {
        ambient.retain(|one| permitted.contains(one) && in_set(one));
        if ambient.is_empty() {
            lists.remove("ambient");
        }
    }
    (process != before).then_some(process)
}

/// Whether a process is of a user or a group of which the kernel takes no notice: an account file's number was
/// out of bounds where the container was made, and no runtime starts it.
fn has_no_id(process: &str) -> bool {
    let user = &parse(process)["user"];
    let groups = user["additionalGids"].as_array().into_iter().flatten();
    groups.chain([&user["uid"], &user["gid"]]).any(|id| *id == u64::from(u32::MAX))
}

fn parse(process: &str) -> Value {
    serde_json::from_str(process).unwrap()
}

fn compare(
    release: &Release,
    case: &Case,
    go: Answer,
    ours: Result<String, Status>,
    count: &mut Count,
    wrong: &mut Vec<String>,
) {
    let defect = |status: &Status| matches!(status.code(), Code::Internal | Code::Unknown);
    match (go, ours) {
        (Answer::Spec(go), Ok(ours)) if go == ours => count.equal += 1,
        (Answer::Error(_), Err(status)) if !defect(&status) => count.both_fail += 1,
        (go, ours) => {
            if let (Answer::Spec(go), Ok(ours)) = (&go, &ours)
                && without_stale_ambient(go, case).is_some_and(|go| go == parse(ours))
            {
                count.deliberate += 1;
                return;
            }
            if let (Answer::Spec(go), Err(status)) = (&go, &ours)
                && status.message().contains("is reserved ((uid_t)-1)")
                && has_no_id(go)
            {
                count.deliberate += 1;
                return;
            }
            let report = format!("Go {go:?}\nours {ours:?}\n{case:?}");
            // The list speaks of whole specs.
            let go = match go {
                Answer::Spec(process) => Answer::Spec(format!("{{\"process\":{process}}}")),
                Answer::Error(text) => Answer::Error(text),
            };
            let seen = Seen { version: release.version, case, go, ours };
            match deliberate::find(&seen) {
                Some(Known { .. }) => count.deliberate += 1,
                None => wrong.push(report),
            }
        }
    }
}
