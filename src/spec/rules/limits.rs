//! Resource limits of the process, and its OOM score.

use super::{Findings, repeated};
use crate::domain::rlimit;
use crate::oci::{Process, Rlimit, Spec, place};

fn limits(spec: &Spec) -> &[Rlimit] {
    spec.process.as_ref().map_or(&[], |process: &Process| &process.rlimits)
}

/// Every limit is one that Linux has.
pub(super) fn names(spec: &Spec, findings: &mut Findings) {
    for (index, limit) in limits(spec).iter().enumerate() {
        if !rlimit::NAMES.contains(&limit.kind.as_str()) {
            let place = place!["process", "rlimits", index, "type"];
            findings.add(place, format_args!("must be one of {}", rlimit::NAMES.join(", ")));
        }
    }
}

/// No soft limit is above its hard limit.
pub(super) fn order(spec: &Spec, findings: &mut Findings) {
    for (index, limit) in limits(spec).iter().enumerate() {
        if limit.soft > limit.hard {
            findings.add(place!["process", "rlimits", index, "soft"], "must not be above hard");
        }
    }
}

/// How many descriptors the start of a container takes if it mounts something.
const NEEDED_FILES: u64 = 16;

/// The runtime itself has enough descriptors: the limit holds for it before it is replaced by the program.
pub(super) fn files(spec: &Spec, findings: &mut Findings) {
    for (index, limit) in limits(spec).iter().enumerate() {
        let is_low = limit.kind == "RLIMIT_NOFILE" && limit.soft < NEEDED_FILES;
        if is_low && !spec.mounts.is_empty() {
            let place = place!["process", "rlimits", index, "soft"];
            let text = format_args!("must be at least {NEEDED_FILES}, which the runtime needs");
            findings.add(place, text);
        }
    }
}

/// How much memory a program and the seccomp filter before it take.
const NEEDED_BYTES: u64 = 8 << 20;

/// A seccomp filter has memory: runtimes load it when the limits hold already.
pub(super) fn memory(spec: &Spec, findings: &mut Findings) {
    if spec.linux.as_ref().is_none_or(|linux| linux.seccomp.is_none()) {
        return;
    }
    for (index, limit) in limits(spec).iter().enumerate() {
        let is_of_memory = matches!(limit.kind.as_str(), "RLIMIT_AS" | "RLIMIT_DATA");
        if is_of_memory && limit.soft < NEEDED_BYTES {
            let place = place!["process", "rlimits", index, "soft"];
            let text = format_args!(
                "should be at least {NEEDED_BYTES}: the seccomp filter is loaded under this limit"
            );
            findings.add(place, text);
        }
    }
}

/// No limit is listed twice.
pub(super) fn once(spec: &Spec, findings: &mut Findings) {
    let names = limits(spec).iter().map(|limit| limit.kind.as_str());
    for index in repeated::positions(names) {
        findings.add(place!["process", "rlimits", index, "type"], "is listed twice");
    }
}

/// The OOM score is within the kernel's bounds.
pub(super) fn oom_score(spec: &Spec, findings: &mut Findings) {
    let score = spec.process.as_ref().and_then(|process| process.oom_score_adj);
    if score.is_some_and(|score| !(-1000..=1000).contains(&score)) {
        findings.add(place!["process", "oomScoreAdj"], "must be -1000 to 1000");
    }
}
