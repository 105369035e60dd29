//! The filter of system calls.

use super::Found;
use super::node::Node;

const ACTIONS: [&str; 9] = [
    "SCMP_ACT_KILL",
    "SCMP_ACT_KILL_PROCESS",
    "SCMP_ACT_KILL_THREAD",
    "SCMP_ACT_TRAP",
    "SCMP_ACT_ERRNO",
    "SCMP_ACT_TRACE",
    "SCMP_ACT_ALLOW",
    "SCMP_ACT_LOG",
    "SCMP_ACT_NOTIFY",
];

const OPERATORS: [&str; 7] = [
    "SCMP_CMP_NE",
    "SCMP_CMP_LT",
    "SCMP_CMP_LE",
    "SCMP_CMP_EQ",
    "SCMP_CMP_GE",
    "SCMP_CMP_GT",
    "SCMP_CMP_MASKED_EQ",
];

const FLAGS: [&str; 4] = [
    "SECCOMP_FILTER_FLAG_TSYNC",
    "SECCOMP_FILTER_FLAG_LOG",
    "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
    "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
];

const ARCHITECTURES: [&str; 23] = [
    "X86",
    "X86_64",
    "X32",
    "ARM",
    "AARCH64",
    "MIPS",
    "MIPS64",
    "MIPS64N32",
    "MIPSEL",
    "MIPSEL64",
    "MIPSEL64N32",
    "PPC",
    "PPC64",
    "PPC64LE",
    "S390",
    "S390X",
    "PARISC",
    "PARISC64",
    "RISCV64",
    "LOONGARCH64",
    "M68K",
    "SH",
    "SHEB",
];

/// The filter, unless it is empty, which is none.
fn filter(spec: Node<'_>) -> Option<Node<'_>> {
    let filter = spec.get("linux").get("seccomp");
    let empty =
        filter.get("defaultAction").filled_text().is_none() && !filter.get("syscalls").is_filled();
    (filter.is_there() && !empty).then_some(filter)
}

fn calls(spec: Node<'_>) -> impl Iterator<Item = Node<'_>> {
    filter(spec).into_iter().flat_map(|filter| filter.get("syscalls").items())
}

fn known(node: Node<'_>, names: &[&str], found: &mut Found) {
    if !names.contains(&node.text().unwrap_or_default()) {
        found.add(node, format_args!("must be one of {}", names.join(", ")));
    }
}

/// Every action is known.
pub(super) fn actions(spec: Node<'_>, found: &mut Found) {
    let default = filter(spec).map(|filter| filter.get("defaultAction"));
    for action in default.into_iter().chain(calls(spec).map(|call| call.get("action"))) {
        known(action, &ACTIONS, found);
    }
}

/// Every architecture is known.
pub(super) fn architectures(spec: Node<'_>, found: &mut Found) {
    for name in filter(spec).into_iter().flat_map(|filter| filter.get("architectures").items()) {
        let bare = name.text().and_then(|text| text.strip_prefix("SCMP_ARCH_"));
        if !bare.is_some_and(|bare| ARCHITECTURES.contains(&bare)) {
            found.add(name, format_args!("{} is no architecture, as SCMP_ARCH_X86_64", name.value));
        }
    }
}

/// Every flag is known.
pub(super) fn flags(spec: Node<'_>, found: &mut Found) {
    for flag in filter(spec).into_iter().flat_map(|filter| filter.get("flags").items()) {
        known(flag, &FLAGS, found);
    }
}

/// Every comparison is known.
pub(super) fn operators(spec: Node<'_>, found: &mut Found) {
    for arg in calls(spec).flat_map(|call| call.get("args").items()) {
        known(arg.get("op"), &OPERATORS, found);
    }
}

/// A call has six arguments.
pub(super) fn arguments(spec: Node<'_>, found: &mut Found) {
    for index in calls(spec).flat_map(|call| call.get("args").items()).map(|arg| arg.get("index")) {
        if index.number().is_some_and(|index| index > 5) {
            found.add(index, "must be 0 to 5");
        }
    }
}

/// Every call has a name.
pub(super) fn names(spec: Node<'_>, found: &mut Found) {
    // Policies have hundreds of names, so they are looked through before they are walked.
    for call in calls(spec).filter(|call| call.get("names").texts().any(str::is_empty)) {
        for name in call.get("names").items().filter(|name| name.text() == Some("")) {
            found.add(name, "must not be empty");
        }
    }
}

/// An error number goes with the actions that return one.
pub(super) fn errno(spec: Node<'_>, found: &mut Found) {
    let default =
        filter(spec).map(|filter| (filter.get("defaultAction"), filter.get("defaultErrnoRet")));
    let of_calls = calls(spec).map(|call| (call.get("action"), call.get("errnoRet")));
    for (action, errno) in default.into_iter().chain(of_calls) {
        let returns = matches!(action.text(), Some("SCMP_ACT_ERRNO" | "SCMP_ACT_TRACE"));
        if errno.is_there() && action.text().is_some() && !returns {
            found.add(errno, "is for SCMP_ACT_ERRNO and SCMP_ACT_TRACE, crun refuses it elsewhere");
        }
    }
}

/// An error number is one that a call can return.
pub(super) fn errno_range(spec: Node<'_>, found: &mut Found) {
    let default = filter(spec).map(|filter| filter.get("defaultErrnoRet"));
    for errno in default.into_iter().chain(calls(spec).map(|call| call.get("errnoRet"))) {
        if errno.number().is_some_and(|number| number > 4095) {
            found.add(errno, "must be at most 4095");
        }
    }
}

fn is_notify(action: Node<'_>) -> bool {
    action.text() == Some("SCMP_ACT_NOTIFY")
}

/// Not every call is handed to a listener, and not those that hand it over.
pub(super) fn notify(spec: Node<'_>, found: &mut Found) {
    let default = filter(spec).map(|filter| filter.get("defaultAction"));
    if let Some(action) = default.filter(|action| is_notify(*action)) {
        found.add(action, "must not be SCMP_ACT_NOTIFY, no container starts under it");
    }
    for call in calls(spec).filter(|call| is_notify(call.get("action"))) {
        for name in call.get("names").items().filter(|name| name.text() == Some("write")) {
            found.add(name, "must not be with SCMP_ACT_NOTIFY: it hands the listener over");
        }
    }
}

/// Calls that are handed to a listener have one.
pub(super) fn listener(spec: Node<'_>, found: &mut Found) {
    let Some(filter) = filter(spec) else { return };
    let listener = filter.get("listenerPath");
    if listener.filled_text().is_none() && calls(spec).any(|call| is_notify(call.get("action"))) {
        found.add(listener, "is needed by SCMP_ACT_NOTIFY");
    }
}
