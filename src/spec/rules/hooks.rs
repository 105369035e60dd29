//! The programs that the runtime runs.

use super::Findings;
use crate::oci::{Hook, Hooks, Spec, place};

/// Every hook, with the name of its list and its position there.
pub(super) fn all(spec: &Spec) -> impl Iterator<Item = (&'static str, usize, &Hook)> {
    let lists = spec.hooks.iter().flat_map(Hooks::lists);
    lists.flat_map(|(list, hooks)| {
        hooks.iter().enumerate().map(move |(index, hook)| (list, index, hook))
    })
}

/// The path of a hook is absolute.
pub(super) fn path(spec: &Spec, findings: &mut Findings) {
    for (list, index, hook) in all(spec) {
        if !hook.path.is_empty() && !hook.path.starts_with('/') {
            findings.add(place!["hooks", list, index, "path"], "must be an absolute path");
        }
    }
}

/// A hook has at least a second, and at most what an `int` of C counts.
pub(super) fn timeout(spec: &Spec, findings: &mut Findings) {
    for (list, index, hook) in all(spec) {
        if hook.timeout.is_some_and(|seconds| !(1..=i64::from(i32::MAX)).contains(&seconds)) {
            let place = place!["hooks", list, index, "timeout"];
            findings.add(place, "must be 1 to 2147483647, in seconds");
        }
    }
}

/// Every entry of a hook's environment has a key and a value.
pub(super) fn environment(spec: &Spec, findings: &mut Findings) {
    for (list, index, hook) in all(spec) {
        for (at, entry) in hook.env.iter().enumerate() {
            if entry.find('=').is_none_or(|end| end == 0) {
                let place = place!["hooks", list, index, "env", at];
                findings.add(place, "must be \"KEY=value\"");
            }
        }
    }
}
