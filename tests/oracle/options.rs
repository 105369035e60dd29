//! The options: for each what it may be given, what it is in `pkg/oci` and what it is in our API.
//!
//! To add one is to add a row to [`PROCESS`] here, to `sandbox::ROWS` or to `fields::ROWS`, at its place in the order of
//! application, which both sides follow.

use crate::case::Op;
use crate::fields;
use crate::sandbox;
use crate::text;
use crate::values::{arguments, cwd, env_change, user};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use specd::api::pb::specd as pb;
use std::sync::LazyLock;

/// One option.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// What it may be given, as JSON.
    pub(crate) values: fn() -> BoxedStrategy<Value>,
    /// Adds it to the options of `pkg/oci`, the first of which sets the image.
    pub(crate) ops: fn(&Value, &mut Vec<Op>),
    /// Sets it in a request.
    pub(crate) pb: fn(&Value, &mut pb::SpecOptions),
    /// In how many cases of a hundred it is there.
    pub(crate) percent: u32,
}

/// Every option, in the order of application.
pub(crate) static TABLE: LazyLock<Vec<&'static Row>> =
    LazyLock::new(|| PROCESS.iter().chain(sandbox::ROWS).chain(fields::ROWS).collect());

/// What `pkg/oci` takes for PATH.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// An option of a case.
#[derive(Debug, Clone)]
pub(crate) struct Chosen {
    /// Its row in the table.
    pub(crate) row: usize,
    pub(crate) value: Value,
}

impl Chosen {
    /// The option of a name.
    pub(crate) fn new(name: &str, value: impl Into<Value>) -> Self {
        let row = TABLE.iter().position(|row| row.name == name);
        Self { row: row.unwrap_or_else(|| panic!("no option {name}")), value: value.into() }
    }
}

/// What decides on the process, and what the image decides on too.
const PROCESS: &[Row] = &[
    Row {
        name: "command",
        values: || json_of(arguments()),
        ops: |value, ops| match strings(value).is_empty() {
            true => ops.push(Op::new("entrypointAlone", Value::Null)),
            false => ops[0] = Op::new("imageArgs", value.clone()),
        },
        pb: |value, options| process(options).command = list(value),
        percent: 20,
    },
    Row {
        name: "entrypoint",
        values: || json_of(arguments()),
        ops: |value, ops| {
            // A command follows the entrypoint of the caller as it follows that of the image.
            let command = ops.iter().find(|op| op.op == "imageArgs").map(|op| strings(&op.args));
            let args = [strings(value), command.unwrap_or_default()].concat();
            ops.push(Op::new("WithProcessArgs", args));
        },
        pb: |value, options| process(options).entrypoint = list(value),
        percent: 20,
    },
    Row {
        name: "env",
        values: || json_of(vec(env_change(), 1..5)),
        ops: |value, ops| ops.push(Op::new("WithEnv", value.clone())),
        pb: |value, options| process(options).env = strings(value),
        percent: 20,
    },
    Row {
        name: "env before the image",
        values: || {
            let sets = |list: &Vec<String>| list.iter().any(|entry| entry.contains('='));
            json_of(vec(env_change(), 1..4).prop_filter("one that sets", sets))
        },
        // Two lists are two changes for Go's client, and one for us: what was appended twice differs.
        ops: |value, ops| {
            if ops.iter().all(|op| op.op != "WithEnv") {
                ops.insert(0, Op::new("WithEnv", value.clone()));
            }
        },
        pb: |value, options| {
            // Nothing is there yet that could be unset.
            let sets =
                strings(value).into_iter().filter(|entry| entry.contains('=') || entry.is_empty());
            if process(options).env.is_empty() {
                process(options).env = sets.collect();
            }
        },
        percent: 4,
    },
    Row {
        name: "WithDefaultPathEnv",
        values: || Just(Value::Null).boxed(),
        ops: |_, ops| {
            if ops.iter().all(|op| op.op != "WithEnv") {
                ops.push(Op::new("WithDefaultPathEnv", Value::Null));
            }
        },
        pb: |_, options| {
            if process(options).env.is_empty() {
                process(options).env.push(format!("PATH={DEFAULT_PATH}"));
            }
        },
        percent: 4,
    },
    Row {
        name: "cwd",
        values: || json_of(cwd()),
        ops: |value, ops| ops.push(Op::new("WithProcessCwd", value.clone())),
        pb: |value, options| process(options).cwd = Some(string(value)),
        percent: 20,
    },
    Row {
        name: "terminal",
        values: || json_of(any::<bool>()),
        ops: |value, ops| {
            if *value == json!(true) {
                ops.push(Op::new("WithTTY", Value::Null));
            }
        },
        pb: |value, options| process(options).terminal = value.as_bool(),
        percent: 20,
    },
    Row {
        name: "user",
        values: || json_of(user()),
        ops: |value, ops| ops.push(Op::new("userWithGroups", value.clone())),
        pb: |value, options| user_options(options).user = Some(string(value)),
        percent: 20,
    },
    Row {
        name: "user without groups",
        values: || json_of(user()),
        ops: |value, ops| ops.push(Op::new("WithUser", value.clone())),
        pb: |value, options| alone(options, |user| user.user = Some(string(value))),
        percent: 6,
    },
    Row {
        name: "WithUserID",
        values: || json_of(prop_oneof![3 => 0..1100_u32, 1 => 0..1_u32 << 31]),
        ops: |value, ops| ops.push(Op::new("WithUserID", value.clone())),
        pb: |value, options| alone(options, |user| user.user = Some(value.to_string())),
        percent: 3,
    },
    Row {
        name: "WithUIDGID",
        values: || {
            (0..1_u32 << 31, 0..1_u32 << 31).prop_map(|(uid, gid)| json!([uid, gid])).boxed()
        },
        ops: |value, ops| ops.push(Op::new("WithUIDGID", value.clone())),
        pb: |value, options| {
            alone(options, |user| user.user = Some(format!("{}:{}", value[0], value[1])));
        },
        percent: 3,
    },
    Row {
        name: "WithUsername",
        values: || json_of(text::name().prop_filter("a name", |name| !name.is_empty())),
        ops: |value, ops| ops.push(Op::new("WithUsername", value.clone())),
        pb: |value, options| {
            alone(options, |user| (user.user, user.username) = (None, Some(string(value))));
        },
        percent: 4,
    },
    Row {
        name: "additional_groups",
        values: || {
            let usual = text::of(&["root", "www", "bin", "0", "33", "4321"]);
            json_of(vec(prop_oneof![8 => usual, 1 => text::name(), 1 => text::number()], 0..4))
        },
        ops: |value, ops| ops.push(Op::new("WithAppendAdditionalGroups", value.clone())),
        pb: |value, options| user_options(options).additional_groups = strings(value),
        percent: 20,
    },
    Row {
        name: "readonly",
        values: || json_of(any::<bool>()),
        ops: |value, ops| {
            if *value == json!(true) {
                ops.push(Op::new("WithRootFSReadonly", Value::Null));
            }
        },
        pb: |value, options| options.root.get_or_insert_default().readonly = value.as_bool(),
        percent: 20,
    },
    Row {
        name: "hostname",
        values: || {
            let odd = text::of(&["", "a b", "h\n", "<&>", "hôte"]);
            json_of(prop_oneof![40 => text::identifier(), 1 => odd])
        },
        ops: |value, ops| ops.push(Op::new("WithHostname", value.clone())),
        pb: |value, options| options.hostname = Some(string(value)),
        percent: 20,
    },
];

/// A set of options.
pub(crate) fn any_set() -> BoxedStrategy<Vec<Chosen>> {
    let each: Vec<_> = TABLE
        .iter()
        .enumerate()
        .map(|(row, entry)| {
            let chosen = (entry.values)().prop_map(move |value| Chosen { row, value });
            prop::option::weighted(f64::from(entry.percent) / 100.0, chosen)
        })
        .collect();
    // Every other case is an image alone.
    (any::<bool>(), each)
        .prop_map(|(with, each)| each.into_iter().flatten().filter(|_| with).collect())
        .boxed()
}

pub(crate) fn json_of<T: Into<Value> + 'static>(
    values: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<Value> {
    values.prop_map(Into::into).boxed()
}

fn string(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(string).collect()
}

fn list(value: &Value) -> Option<pb::StringList> {
    Some(pb::StringList { values: strings(value) })
}

fn process(options: &mut pb::SpecOptions) -> &mut pb::ProcessOptions {
    options.process.get_or_insert_default()
}

fn user_options(options: &mut pb::SpecOptions) -> &mut pb::UserOptions {
    options.user.get_or_insert_default()
}

/// A user with no group but the primary one, in the place of another.
fn alone(options: &mut pb::SpecOptions, set: impl FnOnce(&mut pb::UserOptions)) {
    let user = user_options(options);
    user.username = None;
    user.without_groups = true;
    set(user);
}
