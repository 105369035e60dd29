//! Limits of the process, and the score by which the kernel kills.

use super::Found;
use super::node::Node;
use crate::domain::rlimit;

/// Every limit is one that Linux has.
pub(super) fn names(spec: Node<'_>, found: &mut Found) {
    for limit in spec.get("process").get("rlimits").items() {
        let kind = limit.get("type");
        if !rlimit::NAMES.contains(&kind.text().unwrap_or_default()) {
            found.add(kind, format_args!("must be one of {}", rlimit::NAMES.join(", ")));
        }
    }
}

/// No soft limit is above its hard one.
pub(super) fn order(spec: Node<'_>, found: &mut Found) {
    for limit in spec.get("process").get("rlimits").items() {
        let soft = limit.get("soft");
        if soft.number() > limit.get("hard").number() {
            found.add(soft, "must not be above hard");
        }
    }
}

/// The score stays within the kernel's bounds.
pub(super) fn oom_score(spec: Node<'_>, found: &mut Found) {
    let score = spec.get("process").get("oomScoreAdj");
    if score.number().is_some_and(|score| !(-1000..=1000).contains(&score)) {
        found.add(score, "must be -1000 to 1000");
    }
}
