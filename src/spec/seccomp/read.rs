//! From JSON to a policy, with everything that is wrong in it.
//!
//! Stricter than Go's decoder where that would weaken a filter in silence: a field, a capability or an
//! operator that nobody knows is an error and not skipped, as is what only fails in the runtime.

use crate::domain::capability::KNOWN;
use crate::domain::violation::Violations;
use crate::oci::{Seccomp, Syscall, SyscallArg};
use crate::spec::rules::seccomp::{ACTIONS, ARCHITECTURES, FLAGS, OPERATORS, highest_number};
use crate::spec::seccomp::errno;
use crate::spec::seccomp::fields::{Field, Object};
use crate::spec::seccomp::policy::{Architectures, Condition, Order, Policy, Rule};
use serde_json::Value;

/// Who wrote the JSON, and with it which fields it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// A file of this project: Docker's format, and what it cannot say of containerd's.
    BuiltIn,
    /// A policy in Docker's format.
    Docker,
    /// `linux.seccomp` of the runtime specification.
    Oci,
}

const FRAME: [&str; 7] = [
    "defaultAction",
    "defaultErrnoRet",
    "architectures",
    "flags",
    "listenerPath",
    "listenerMetadata",
    "syscalls",
];
const RULE: [&str; 4] = ["names", "action", "errnoRet", "args"];

/// The action that hands a call to a listener.
const NOTIFY: &str = "SCMP_ACT_NOTIFY";
/// The last argument of a system call.
const LAST_ARGUMENT: u64 = 5;

impl Format {
    fn frame(self) -> Vec<&'static str> {
        let more: &[_] = match self {
            Self::BuiltIn => &["archMap", "architecturesOf", "capabilityOrder"],
            Self::Docker => &["archMap", "defaultErrno", "$schema", "comment"],
            Self::Oci => &[],
        };
        [&FRAME, more].concat()
    }

    fn rule(self) -> Vec<&'static str> {
        let more: &[_] = match self {
            Self::BuiltIn => &["includes", "excludes"],
            Self::Docker => &["name", "comment", "includes", "excludes", "errno"],
            Self::Oci => &[],
        };
        [&RULE, more].concat()
    }
}

/// Reads a policy.
///
/// # Errors
///
/// Everything that is wrong, with paths inside the JSON.
pub(super) fn read(json: &Value, format: Format) -> Result<Policy, Violations> {
    let mut wrong = Violations::default();
    let policy = policy(json, format, &mut wrong);
    policy.filter(|_| wrong.is_empty()).ok_or(wrong)
}

fn policy(json: &Value, format: Format, wrong: &mut Violations) -> Option<Policy> {
    let top = Field::outermost(json).object(&format.frame(), wrong)?;
    let action = top.need("defaultAction", wrong).and_then(|field| field.word(&ACTIONS, wrong));
    let errno = errno(&top, ["defaultErrnoRet", "defaultErrno"], action, wrong);
    if action == Some(NOTIFY) {
        top.wrong("defaultAction", wrong, "must not be SCMP_ACT_NOTIFY: no runtime starts with it");
    }
    let listener = top.text("listenerPath", wrong);
    let metadata = top.text("listenerMetadata", wrong);
    if metadata.is_some() && listener.is_none() {
        top.wrong("listenerMetadata", wrong, "needs a listenerPath");
    }
    let flags = top.get("flags").map(|_| top.words("flags", &FLAGS, wrong));
    // Without the field runc allows speculation, with an empty list it does not. Docker loses the latter.
    let flags = flags.filter(|flags| format == Format::Oci || !flags.is_empty());
    let architectures = architectures(&top, wrong);
    let rules: Vec<Rule> = top
        .list("syscalls", wrong)
        .iter()
        .filter_map(|entry| rule(entry, format, listener.is_some(), wrong))
        .collect();
    let order = match top.text("capabilityOrder", wrong) {
        None => Order::Policy,
        Some("bounding") => Order::BoundingSet,
        Some(_) => {
            top.wrong("capabilityOrder", wrong, "must be bounding");
            return None;
        }
    };

    let frame = Seccomp {
        default_action: action?.to_owned(),
        default_errno_ret: errno,
        flags,
        listener_path: listener.unwrap_or_default().to_owned(),
        listener_metadata: metadata.unwrap_or_default().to_owned(),
        ..Seccomp::default()
    };
    Some(Policy { frame, architectures, rules, order })
}

fn architectures(top: &Object<'_>, wrong: &mut Violations) -> Architectures {
    let listed = top.words("architectures", &ARCHITECTURES, wrong);
    let mut map = Vec::new();
    for entry in top.list("archMap", wrong) {
        let Some(entry) = entry.object(&["architecture", "subArchitectures"], wrong) else {
            continue;
        };
        let others = entry.words("subArchitectures", &ARCHITECTURES, wrong);
        if let Some(own) =
            entry.need("architecture", wrong).and_then(|field| field.word(&ARCHITECTURES, wrong))
        {
            map.push((own.to_owned(), others));
        }
    }
    if let Some(of) = top.get("architecturesOf").and_then(|field| field.any_object(wrong)) {
        let lists = of.fields().map(|(name, list)| {
            let list = list.list(wrong);
            let words = list.iter().filter_map(|entry| entry.word(&ARCHITECTURES, wrong));
            (name.to_owned(), words.map(str::to_owned).collect())
        });
        return Architectures::Of(lists.collect());
    }
    match (listed.is_empty(), map.is_empty()) {
        (false, false) => {
            top.wrong("archMap", wrong, "must not stand beside architectures");
            Architectures::Listed(listed)
        }
        (true, false) => Architectures::Map(map),
        (_, true) => Architectures::Listed(listed),
    }
}

fn rule(entry: &Field<'_>, format: Format, listens: bool, wrong: &mut Violations) -> Option<Rule> {
    let rule = entry.object(&format.rule(), wrong)?;
    let names = names(&rule, wrong);
    rule.text("comment", wrong);
    let action = rule.need("action", wrong).and_then(|field| field.word(&ACTIONS, wrong));
    let errno = errno(&rule, ["errnoRet", "errno"], action, wrong);
    if action == Some(NOTIFY) {
        if !listens {
            rule.wrong("action", wrong, "SCMP_ACT_NOTIFY needs a listenerPath");
        }
        if names.iter().any(|name| name == "write") {
            rule.wrong("names", wrong, "SCMP_ACT_NOTIFY must not be for write: no runtime starts");
        }
    }
    let args: Vec<SyscallArg> =
        rule.list("args", wrong).iter().filter_map(|entry| arg(entry, wrong)).collect();
    let includes = condition(&rule, "includes", wrong);
    let excludes = condition(&rule, "excludes", wrong);

    let action = action?.to_owned();
    let syscall = Syscall { names, action, errno_ret: errno, args, ..Syscall::default() };
    Some(Rule { syscall, includes, excludes })
}

/// The names of a rule, or its only one in the older form.
fn names(rule: &Object<'_>, wrong: &mut Violations) -> Vec<String> {
    let list = rule.list("names", wrong);
    match (rule.text("name", wrong), list.is_empty()) {
        (Some(name), true) => return vec![name.to_owned()],
        (Some(_), false) => rule.wrong("name", wrong, "must not stand beside names"),
        (None, true) => rule.wrong("names", wrong, "must have at least one name"),
        (None, false) => {}
    }
    list.iter().filter_map(|name| name.text(wrong)).map(str::to_owned).collect()
}

fn arg(entry: &Field<'_>, wrong: &mut Violations) -> Option<SyscallArg> {
    let entry = entry.object(&["index", "value", "valueTwo", "op"], wrong)?;
    let mut number =
        |name: &str, most| entry.need(name, wrong).and_then(|field| field.number(most, wrong));
    let (index, value) = (number("index", LAST_ARGUMENT), number("value", u64::MAX));
    let two = entry.get("valueTwo").and_then(|field| field.number(u64::MAX, wrong));
    let op = entry.need("op", wrong).and_then(|field| field.word(&OPERATORS, wrong))?;
    let value_two = two.unwrap_or_default();
    let (index, value, op) = (index?, value?, op.to_owned());
    Some(SyscallArg { index, value, value_two, op, ..SyscallArg::default() })
}

/// The number that an action returns, where it is one that returns a number. The files of containers-common have
/// its name too, or alone.
fn errno(
    object: &Object<'_>,
    [number, name]: [&str; 2],
    action: Option<&str>,
    wrong: &mut Violations,
) -> Option<u64> {
    let named = object.text(name, wrong).filter(|text| !text.is_empty()).and_then(|text| {
        let known = errno::number(text);
        if known.is_none() {
            object.wrong(name, wrong, format_args!("unknown error {text}, for example EPERM"));
        }
        known
    });
    let numbered = object.get(number);
    let field = numbered.or_else(|| object.get(name).filter(|_| named.is_some()))?;
    // Without a valid action, which is reported by itself, any number is.
    let action = action.unwrap_or("SCMP_ACT_TRACE");
    let Some(most) = highest_number(action) else {
        let text = "is only for SCMP_ACT_ERRNO and SCMP_ACT_TRACE";
        field.wrong(wrong, format_args!("{text}, not {action:?}"));
        return None;
    };
    let stated = object.get(number).and_then(|field| field.number(most, wrong));
    match (stated, named) {
        (Some(stated), Some(named)) if stated != named => {
            let text = format_args!("is {named}, which contradicts {number} {stated}");
            object.wrong(name, wrong, text);
            None
        }
        (stated, named) => stated.or(named),
    }
}

fn condition(rule: &Object<'_>, name: &str, wrong: &mut Violations) -> Condition {
    let known = ["caps", "arches", "minKernel"];
    let Some(condition) = rule.get(name).and_then(|field| field.object(&known, wrong)) else {
        return Condition::default();
    };
    let caps = condition.list("caps", wrong);
    let arches = condition.list("arches", wrong);
    // Docker takes an empty text, and it then excludes always: nobody means that.
    let min_kernel = condition.get("minKernel").and_then(|field| field.text(wrong)).map(kernel);
    if min_kernel == Some(None) {
        condition.wrong(
            "minKernel",
            wrong,
            "must be two numbers up to 255, for example 4.8, and not 0.0",
        );
    }
    Condition {
        caps: caps.iter().filter_map(|field| capability(field, wrong)).collect(),
        arches: arches.iter().filter_map(|f| f.text(wrong)).map(str::to_owned).collect(),
        min_kernel: min_kernel.flatten(),
    }
}

/// A capability by the name that a spec has for it; a rule for one that is misspelt would never hold.
fn capability(field: &Field<'_>, wrong: &mut Violations) -> Option<String> {
    let name = field.text(wrong)?;
    if KNOWN.contains(&name) {
        return Some(name.to_owned());
    }
    field.wrong(wrong, format_args!("unknown capability {name}, for example CAP_SYS_ADMIN"));
    None
}

fn kernel(text: &str) -> Option<(u32, u32)> {
    let number = |text: &str| {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u8>().ok().filter(|_| digits).map(u32::from)
    };
    let (kernel, major) = text.split_once('.')?;
    Some((number(kernel)?, number(major)?)).filter(|version| *version != (0, 0))
}
