//! When the process runs, on which processors, and how its reads and writes are ranked.

use super::Found;
use super::cpu_list;
use super::node::Node;

const POLICIES: [&str; 7] = [
    "SCHED_OTHER",
    "SCHED_FIFO",
    "SCHED_RR",
    "SCHED_BATCH",
    "SCHED_ISO",
    "SCHED_IDLE",
    "SCHED_DEADLINE",
];

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

/// The last processor that runc has a bit for.
const LAST_PROCESSOR: u32 = 1023;

fn scheduler(spec: Node<'_>) -> Option<(Node<'_>, &str)> {
    let scheduler = spec.get("process").get("scheduler");
    scheduler.is_there().then(|| (scheduler, scheduler.get("policy").text().unwrap_or_default()))
}

/// The policy is named and known.
pub(super) fn policy(spec: Node<'_>, found: &mut Found) {
    if let Some((scheduler, policy)) = scheduler(spec)
        && !POLICIES.contains(&policy)
    {
        let text = format_args!("must be one of {}", POLICIES.join(", "));
        found.add(scheduler.get("policy"), text);
    }
}

/// The flags are known.
pub(super) fn flags(spec: Node<'_>, found: &mut Found) {
    let flags = scheduler(spec).map(|(scheduler, _)| scheduler.get("flags"));
    for flag in flags.into_iter().flat_map(Node::items) {
        if flag.text().is_some_and(|text| !FLAGS.contains(&text)) {
            found.add(flag, format_args!("must be one of {}", FLAGS.join(", ")));
        }
    }
}

/// Niceness stays within the kernel's bounds.
pub(super) fn nice(spec: Node<'_>, found: &mut Found) {
    if let Some((scheduler, "SCHED_OTHER" | "SCHED_BATCH")) = scheduler(spec) {
        let nice = scheduler.get("nice");
        if nice.number().is_some_and(|nice| !(-20..=19).contains(&nice)) {
            found.add(nice, "must be -20 to 19");
        }
    }
}

/// A priority goes with the policies that have one, and with those it has to be.
pub(super) fn priority(spec: Node<'_>, found: &mut Found) {
    let Some((scheduler, policy)) = scheduler(spec) else { return };
    let priority = scheduler.get("priority");
    let value = priority.number().unwrap_or_default();
    if matches!(policy, "SCHED_FIFO" | "SCHED_RR") {
        if !(1..=99).contains(&value) {
            found.add(priority, format_args!("must be 1 to 99 where the policy is {policy}"));
        }
    } else if value != 0 {
        found.add(priority, "is for the policies SCHED_FIFO and SCHED_RR alone");
    }
}

/// Times go with the deadline policy, and one within the other.
pub(super) fn deadline(spec: Node<'_>, found: &mut Found) {
    let Some((scheduler, policy)) = scheduler(spec) else { return };
    if policy == "SCHED_DEADLINE" {
        let time = |name| scheduler.get(name).number().unwrap_or_default();
        let (runtime, deadline, period) = (time("runtime"), time("deadline"), time("period"));
        if runtime > deadline || (period != 0 && deadline > period) {
            found.add(scheduler, "must have runtime within deadline, and deadline within period");
        }
        return;
    }
    for name in ["runtime", "deadline", "period"] {
        let time = scheduler.get(name);
        if time.number().unwrap_or_default() != 0 {
            found.add(time, "is for the policy SCHED_DEADLINE alone");
        }
    }
}

/// The class of reads and writes is known.
pub(super) fn io_class(spec: Node<'_>, found: &mut Found) {
    let priority = spec.get("process").get("ioPriority");
    let class = priority.get("class");
    if priority.is_there() && !CLASSES.contains(&class.text().unwrap_or_default()) {
        found.add(class, format_args!("must be one of {}", CLASSES.join(", ")));
    }
}

/// The priority of reads and writes stays within the kernel's bounds.
pub(super) fn io_priority(spec: Node<'_>, found: &mut Found) {
    let priority = spec.get("process").get("ioPriority").get("priority");
    if priority.number().is_some_and(|priority| !(0..=7).contains(&priority)) {
        found.add(priority, "must be 0 to 7");
    }
}

/// The processors of an exec are a list.
pub(super) fn exec_affinity(spec: Node<'_>, found: &mut Found) {
    let affinity = spec.get("process").get("execCPUAffinity");
    for list in ["initial", "final"].map(|name| affinity.get(name)) {
        cpu_list::check(list, LAST_PROCESSOR, found);
    }
}
