//! CPU scheduling, I/O priority, and the CPUs of an exec.

use super::namespaces::{is_private, place_of};
use super::{Findings, cpu_list};
use crate::oci::{IoPriority, Scheduler, Spec, place};
use std::ops::RangeInclusive;

/// The policies that Linux has: it only reserves the number of `SCHED_ISO`.
const POLICIES: [&str; 6] =
    ["SCHED_OTHER", "SCHED_FIFO", "SCHED_RR", "SCHED_BATCH", "SCHED_IDLE", "SCHED_DEADLINE"];

const FLAGS: [&str; 7] = [
    "SCHED_FLAG_RESET_ON_FORK",
    "SCHED_FLAG_RECLAIM",
    "SCHED_FLAG_DL_OVERRUN",
    "SCHED_FLAG_KEEP_POLICY",
    "SCHED_FLAG_KEEP_PARAMS",
    "SCHED_FLAG_UTIL_CLAMP_MIN",
    "SCHED_FLAG_UTIL_CLAMP_MAX",
];

const CLASSES: [&str; 3] = ["IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE", "IOPRIO_CLASS_IDLE"];

/// The least runtime of the deadline policy, in nanoseconds.
const LEAST_RUNTIME: u64 = 1024;

/// The periods of the deadline policy that the kernel's defaults allow, in nanoseconds.
const DEADLINE_PERIODS: RangeInclusive<u64> = 100_000..=4_194_304_000;

fn scheduler(spec: &Spec) -> Option<&Scheduler> {
    spec.process.as_ref()?.scheduler.as_ref()
}

/// Whether the policy stays that of the runtime, whatever else is set.
fn keeps_policy(scheduler: &Scheduler) -> bool {
    scheduler.flags.iter().any(|flag| flag == "SCHED_FLAG_KEEP_POLICY")
}

fn is_real_time(policy: &str) -> bool {
    matches!(policy, "SCHED_FIFO" | "SCHED_RR")
}

fn io_priority_of(spec: &Spec) -> Option<&IoPriority> {
    spec.process.as_ref()?.io_priority.as_ref()
}

/// The policy is named and known.
pub(super) fn policy(spec: &Spec, findings: &mut Findings) {
    if scheduler(spec).is_some_and(|it| !POLICIES.contains(&it.policy.as_str())) {
        let text = format_args!("must be one of {}", POLICIES.join(", "));
        findings.add(place!["process", "scheduler", "policy"], text);
    }
}

/// The flags are known.
pub(super) fn flags(spec: &Spec, findings: &mut Findings) {
    for (index, flag) in scheduler(spec).iter().flat_map(|it| &it.flags).enumerate() {
        if !FLAGS.contains(&flag.as_str()) {
            let place = place!["process", "scheduler", "flags", index];
            findings.add(place, format_args!("must be one of {}", FLAGS.join(", ")));
        }
    }
}

/// Niceness is within the kernel's bounds. Other policies ignore it.
pub(super) fn nice(spec: &Spec, findings: &mut Findings) {
    let Some(Scheduler { policy, nice, .. }) = scheduler(spec) else { return };
    if matches!(policy.as_str(), "SCHED_OTHER" | "SCHED_BATCH") && !(-20..=19).contains(nice) {
        findings.add(place!["process", "scheduler", "nice"], "must be -20 to 19");
    }
}

/// A real-time policy has a priority, and no other policy has one.
pub(super) fn priority(spec: &Spec, findings: &mut Findings) {
    let Some(it @ Scheduler { policy, priority, .. }) = scheduler(spec) else { return };
    let place = place!["process", "scheduler", "priority"];
    if is_real_time(policy) {
        let is_unset = keeps_policy(it) && *priority == 0;
        if !is_unset && !(1..=99).contains(priority) {
            findings.add(place, format_args!("must be 1 to 99 where the policy is {policy}"));
        }
    } else if *priority != 0 {
        findings.add(place, "is only for the policies SCHED_FIFO and SCHED_RR");
    }
}

/// Times are only for the deadline policy, and each is within the next.
pub(super) fn deadline(spec: &Spec, findings: &mut Findings) {
    let Some(it @ Scheduler { policy, runtime, deadline, period, .. }) = scheduler(spec) else {
        return;
    };
    let place = |name: &str| place!["process", "scheduler", name];
    if policy == "SCHED_DEADLINE" {
        if keeps_policy(it) {
            return;
        }
        if *runtime < LEAST_RUNTIME {
            let text = format_args!("must be at least {LEAST_RUNTIME}, in nanoseconds");
            findings.add(place("runtime"), text);
        }
        if runtime > deadline || (*period != 0 && deadline > period) {
            let text = "must have runtime within deadline, and deadline within period";
            findings.add(place!["process", "scheduler"], text);
        }
        return;
    }
    for (name, time) in [("runtime", runtime), ("deadline", deadline), ("period", period)] {
        if *time != 0 {
            findings.add(place(name), "is only for the policy SCHED_DEADLINE");
        }
    }
}

/// What takes a capability of the host is not set in a private user namespace.
pub(super) fn privileged(spec: &Spec, findings: &mut Findings) {
    if !is_private(spec, "user") {
        return;
    }
    let text = "needs CAP_SYS_NICE of the host, which a private user namespace does not have";
    let scheduler = scheduler(spec);
    if scheduler.is_some_and(|it| it.policy == "SCHED_DEADLINE" && !keeps_policy(it)) {
        let place = place!["process", "scheduler", "policy"];
        findings.add_contradiction(place, place_of("user"), text);
    }
    if io_priority_of(spec).is_some_and(|it| it.class == "IOPRIO_CLASS_RT") {
        let place = place!["process", "ioPriority", "class"];
        findings.add_contradiction(place, place_of("user"), text);
    }
}

/// The scheduling is one that the runtime may set by default.
pub(super) fn defaults(spec: &Spec, findings: &mut Findings) {
    let Some(it) = scheduler(spec) else { return };
    let place = |name: &str| place!["process", "scheduler", name];
    let (policy, keeps_policy) = (it.policy.as_str(), keeps_policy(it));
    if keeps_policy && is_real_time(policy) && it.priority != 0 {
        let text =
            "needs a runtime that has a real-time policy, which SCHED_FLAG_KEEP_POLICY keeps";
        findings.add(place("priority"), text);
    }
    if is_private(spec, "user") && is_real_time(policy) && !keeps_policy {
        let text = "needs a runtime with RLIMIT_RTPRIO, since the user namespace is private";
        findings.add_contradiction(place("policy"), place_of("user"), text);
    }
    if is_private(spec, "user") && matches!(policy, "SCHED_OTHER" | "SCHED_BATCH") && it.nice < 0 {
        let text = "needs a runtime with RLIMIT_NICE, since the user namespace is private";
        findings.add_contradiction(place("nice"), place_of("user"), text);
    }
    let (name, period) =
        if it.period == 0 { ("deadline", it.deadline) } else { ("period", it.period) };
    if policy == "SCHED_DEADLINE" && !keeps_policy && !DEADLINE_PERIODS.contains(&period) {
        let [least, most] = [DEADLINE_PERIODS.start(), DEADLINE_PERIODS.end()];
        let text = format_args!("should be {least} to {most}, in nanoseconds");
        findings.add(place(name), text);
    }
}

/// The class of the I/O priority is known.
pub(super) fn io_class(spec: &Spec, findings: &mut Findings) {
    if io_priority_of(spec).is_some_and(|it| !CLASSES.contains(&it.class.as_str())) {
        let text = format_args!("must be one of {}", CLASSES.join(", "));
        findings.add(place!["process", "ioPriority", "class"], text);
    }
}

/// The I/O priority is within the kernel's bounds.
pub(super) fn io_priority(spec: &Spec, findings: &mut Findings) {
    if io_priority_of(spec).is_some_and(|it| !(0..=7).contains(&it.priority)) {
        findings.add(place!["process", "ioPriority", "priority"], "must be 0 to 7");
    }
}

/// The lists of CPUs of an exec that are not empty, with their names.
fn affinity(spec: &Spec) -> impl Iterator<Item = (&'static str, &str)> {
    let affinity = spec.process.as_ref().and_then(|it| it.exec_cpu_affinity.as_ref());
    let lists =
        affinity.into_iter().flat_map(|it| [("initial", &*it.initial), ("final", &it.last)]);
    lists.filter(|(_, list)| !list.is_empty())
}

/// The CPUs of an exec are a list.
pub(super) fn exec_affinity(spec: &Spec, findings: &mut Findings) {
    for (name, list) in affinity(spec) {
        if !cpu_list::is_runc_list(list) {
            let place = place!["process", "execCPUAffinity", name];
            findings.add(place, "must be a list, for example 0-1,4");
        }
    }
}

/// The CPUs of an exec, and the memory nodes, have numbers that every runc has a bit for.
pub(super) fn numbers(spec: &Spec, findings: &mut Findings) {
    for (name, _) in affinity(spec).filter(|(_, list)| cpu_list::needs_many_bits(list)) {
        findings.add(place!["process", "execCPUAffinity", name], cpu_list::FEW);
    }
    let policy = spec.linux.as_ref().and_then(|linux| linux.memory_policy.as_ref());
    if policy.is_some_and(|policy| cpu_list::needs_many_bits(&policy.nodes)) {
        findings.add(place!["linux", "memoryPolicy", "nodes"], cpu_list::FEW);
    }
}
