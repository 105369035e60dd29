//! The system call filter.

use super::Findings;
use crate::oci::{Place, Seccomp, Spec, Syscall, SyscallArg, place};

pub(in crate::spec) const ACTIONS: [&str; 9] = [
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

pub(in crate::spec) const OPERATORS: [&str; 7] = [
    "SCMP_CMP_NE",
    "SCMP_CMP_LT",
    "SCMP_CMP_LE",
    "SCMP_CMP_EQ",
    "SCMP_CMP_GE",
    "SCMP_CMP_GT",
    "SCMP_CMP_MASKED_EQ",
];

pub(in crate::spec) const FLAGS: [&str; 4] = [
    "SECCOMP_FILTER_FLAG_TSYNC",
    "SECCOMP_FILTER_FLAG_LOG",
    "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
    "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
];

pub(in crate::spec) const ARCHITECTURES: [&str; 23] = [
    "SCMP_ARCH_X86",
    "SCMP_ARCH_X86_64",
    "SCMP_ARCH_X32",
    "SCMP_ARCH_ARM",
    "SCMP_ARCH_AARCH64",
    "SCMP_ARCH_MIPS",
    "SCMP_ARCH_MIPS64",
    "SCMP_ARCH_MIPS64N32",
    "SCMP_ARCH_MIPSEL",
    "SCMP_ARCH_MIPSEL64",
    "SCMP_ARCH_MIPSEL64N32",
    "SCMP_ARCH_PPC",
    "SCMP_ARCH_PPC64",
    "SCMP_ARCH_PPC64LE",
    "SCMP_ARCH_S390",
    "SCMP_ARCH_S390X",
    "SCMP_ARCH_PARISC",
    "SCMP_ARCH_PARISC64",
    "SCMP_ARCH_RISCV64",
    "SCMP_ARCH_LOONGARCH64",
    "SCMP_ARCH_M68K",
    "SCMP_ARCH_SH",
    "SCMP_ARCH_SHEB",
];

pub(super) const NOTIFY: &str = "SCMP_ACT_NOTIFY";

/// The error number where none is set.
const EPERM: u64 = 1;

/// The filter. An empty one counts as absent. runc: `specconv.SetupSeccomp`.
pub(super) fn filter(spec: &Spec) -> Option<&Seccomp> {
    let filter = spec.linux.as_ref()?.seccomp.as_deref()?;
    (!filter.default_action.is_empty() || !filter.syscalls.is_empty()).then_some(filter)
}

pub(super) fn calls(spec: &Spec) -> impl Iterator<Item = (usize, &Syscall)> {
    filter(spec).into_iter().flat_map(|filter| &filter.syscalls).enumerate()
}

/// The calls that name a system call: a runtime passes over the others.
pub(super) fn named_calls(spec: &Spec) -> impl Iterator<Item = (usize, &Syscall)> {
    calls(spec).filter(|(_, call)| !call.names.is_empty())
}

fn args(spec: &Spec) -> impl Iterator<Item = (usize, usize, &SyscallArg)> {
    named_calls(spec).flat_map(|(index, call)| {
        call.args.iter().enumerate().map(move |(at, arg)| (index, at, arg))
    })
}

pub(super) fn place_of(name: &str) -> Place {
    place!["linux", "seccomp", name]
}

pub(super) fn call_place(index: usize, name: &str) -> Place {
    place!["linux", "seccomp", "syscalls", index, name]
}

fn arg_place(index: usize, at: usize, name: &str) -> Place {
    place!["linux", "seccomp", "syscalls", index, "args", at, name]
}

fn note_unknown(place: Place, names: &[&str], findings: &mut Findings) {
    findings.add(place, format_args!("must be one of {}", names.join(", ")));
}

/// A filter has a default action, even one that runc takes for absent.
pub(super) fn default_action(spec: &Spec, findings: &mut Findings) {
    let seccomp = spec.linux.as_ref().and_then(|linux| linux.seccomp.as_deref());
    if seccomp.is_some() && filter(spec).is_none() {
        findings.add(place_of("defaultAction"), "is missing, which crun refuses");
    }
}

/// Every action is known.
pub(super) fn actions(spec: &Spec, findings: &mut Findings) {
    if filter(spec).is_some_and(|filter| !ACTIONS.contains(&filter.default_action.as_str())) {
        note_unknown(place_of("defaultAction"), &ACTIONS, findings);
    }
    for (index, call) in calls(spec) {
        if !ACTIONS.contains(&call.action.as_str()) {
            note_unknown(call_place(index, "action"), &ACTIONS, findings);
        }
    }
}

/// Every architecture is known.
pub(super) fn architectures(spec: &Spec, findings: &mut Findings) {
    let names = filter(spec).into_iter().flat_map(|filter| &filter.architectures);
    for (index, name) in names.enumerate() {
        if !ARCHITECTURES.contains(&name.as_str()) {
            let place = place!["linux", "seccomp", "architectures", index];
            findings.add(place, "must be an architecture, for example SCMP_ARCH_X86_64");
        }
    }
}

/// Architectures that no runc knows, and the two that runc 1.1 does not know.
const UNKNOWN_TO_RUNC: [&str; 7] = [
    "SCMP_ARCH_PARISC",
    "SCMP_ARCH_PARISC64",
    "SCMP_ARCH_M68K",
    "SCMP_ARCH_SH",
    "SCMP_ARCH_SHEB",
    "SCMP_ARCH_RISCV64",
    "SCMP_ARCH_LOONGARCH64",
];

/// Every architecture is known to every runc.
pub(super) fn common_architectures(spec: &Spec, findings: &mut Findings) {
    let names = filter(spec).into_iter().flat_map(|filter| &filter.architectures);
    for (index, name) in names.enumerate() {
        if UNKNOWN_TO_RUNC.contains(&name.as_str()) {
            let place = place!["linux", "seccomp", "architectures", index];
            findings.add(place, format_args!("{name} is not known to every runc"));
        }
    }
}

/// Every flag is known.
pub(super) fn flags(spec: &Spec, findings: &mut Findings) {
    let flags = filter(spec).into_iter().flat_map(|filter| filter.flags.iter().flatten());
    for (index, flag) in flags.enumerate() {
        if !FLAGS.contains(&flag.as_str()) {
            note_unknown(place!["linux", "seccomp", "flags", index], &FLAGS, findings);
        }
    }
}

/// There are no flags: an old runc refuses them.
pub(super) fn no_flags(spec: &Spec, findings: &mut Findings) {
    if filter(spec).is_some_and(|filter| filter.flags.iter().flatten().next().is_some()) {
        findings.add(place_of("flags"), "need runc 1.2 or newer");
    }
}

/// Every comparison is known.
pub(super) fn operators(spec: &Spec, findings: &mut Findings) {
    for (index, at, arg) in args(spec) {
        if !OPERATORS.contains(&arg.op.as_str()) {
            note_unknown(arg_place(index, at, "op"), &OPERATORS, findings);
        }
    }
}

/// What an action does, and the number that it gives: `SCMP_ACT_KILL` is another name of one.
fn effect(action: &str, number: Option<u64>) -> (&str, u64) {
    match action {
        "SCMP_ACT_KILL" => ("SCMP_ACT_KILL_THREAD", 0),
        "SCMP_ACT_ERRNO" | "SCMP_ACT_TRACE" => (action, number.unwrap_or(EPERM)),
        action => (action, 0),
    }
}

/// A system call has six arguments. A runtime passes over a call that does what the filter does by default.
pub(super) fn arguments(spec: &Spec, findings: &mut Findings) {
    let Some(filter) = filter(spec) else { return };
    let default = effect(&filter.default_action, filter.default_errno_ret);
    let is_added = |index: usize| {
        let call = &filter.syscalls[index];
        effect(&call.action, call.errno_ret) != default
    };
    for (index, at, _) in args(spec).filter(|(index, _, arg)| arg.index > 5 && is_added(*index)) {
        findings.add(arg_place(index, at, "index"), "must be 0 to 5");
    }
}

/// Every system call has a name.
pub(super) fn names(spec: &Spec, findings: &mut Findings) {
    for (index, call) in calls(spec) {
        for (at, _) in call.names.iter().enumerate().filter(|(_, name)| name.is_empty()) {
            let place = place!["linux", "seccomp", "syscalls", index, "names", at];
            findings.add(place, "must not be empty");
        }
    }
}

/// An error number is only for the actions that return one.
pub(super) fn errno(spec: &Spec, findings: &mut Findings) {
    let is_wrong =
        |action: &str, errno: Option<u64>| errno.is_some() && highest_number(action).is_none();
    let text = "is only for SCMP_ACT_ERRNO and SCMP_ACT_TRACE; crun refuses it with another action";
    if filter(spec).is_some_and(|it| is_wrong(&it.default_action, it.default_errno_ret)) {
        findings.add(place_of("defaultErrnoRet"), text);
    }
    for (index, _) in calls(spec).filter(|(_, call)| is_wrong(&call.action, call.errno_ret)) {
        findings.add(call_place(index, "errnoRet"), text);
    }
}

/// The highest number that an action gives; absent for an action that gives none.
pub(in crate::spec) fn highest_number(action: &str) -> Option<u64> {
    match action {
        // libseccomp refuses 4095 already: `db_action_valid`.
        "SCMP_ACT_ERRNO" => Some(4094),
        "SCMP_ACT_TRACE" => Some(65_535),
        _ => None,
    }
}

/// An error number is one that a system call can return, and the number for a tracer has 16 bits.
pub(super) fn errno_range(spec: &Spec, findings: &mut Findings) {
    let exceeded = |action: &str, number: Option<u64>| {
        let highest = highest_number(action)?;
        number.is_some_and(|number| number > highest).then_some(highest)
    };
    let default = filter(spec)
        .and_then(|filter| exceeded(&filter.default_action, filter.default_errno_ret))
        .map(|highest| (place_of("defaultErrnoRet"), highest));
    let of_calls = named_calls(spec).filter_map(|(index, call)| {
        let highest = exceeded(&call.action, call.errno_ret)?;
        Some((call_place(index, "errnoRet"), highest))
    });
    for (place, highest) in default.into_iter().chain(of_calls) {
        findings.add(place, format_args!("must be at most {highest}"));
    }
}
