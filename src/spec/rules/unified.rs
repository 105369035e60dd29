//! The files of control groups of version 2.

use super::Findings;
use super::resources::resources;
use crate::oci::{Place, Spec, place};

/// The files of a control group that move processes into it.
const OF_PROCESSES: [&str; 2] = ["cgroup.procs", "cgroup.threads"];

/// The keys of `unified`, with their places.
fn all(spec: &Spec) -> impl Iterator<Item = (&str, impl Fn() -> Place)> {
    let keys = resources(spec).into_iter().flat_map(|resources| resources.unified.keys());
    keys.map(|key| (key.as_str(), move || place!["linux", "resources", "unified", key.as_str()]))
}

/// Files of control groups with a number, or the word max.
const NUMBERS: [&str; 10] = [
    "cgroup.max.depth",
    "cgroup.max.descendants",
    "memory.high",
    "memory.low",
    "memory.max",
    "memory.min",
    "memory.swap.high",
    "memory.swap.max",
    "memory.zswap.max",
    "pids.max",
];

/// What is written to a file with a number begins like one.
pub(super) fn numbers(spec: &Spec, findings: &mut Findings) {
    let values = resources(spec).into_iter().flat_map(|resources| &resources.unified);
    for (key, value) in values.filter(|(key, _)| NUMBERS.contains(&key.as_str())) {
        let value = value.trim();
        if value != "max"
            && !value.starts_with(|first: char| first.is_ascii_digit() || first == '+')
        {
            let place = place!["linux", "resources", "unified", key.as_str()];
            findings.add(place, "must be a number or max");
        }
    }
}

/// A key of `unified` moves no processes.
pub(super) fn processes(spec: &Spec, findings: &mut Findings) {
    for (_, place) in all(spec).filter(|(key, _)| OF_PROCESSES.contains(key)) {
        findings.add(place(), "is not a limit: it moves processes into the control group");
    }
}

/// A key of `unified` is the name of a file, with its controller.
pub(super) fn keys(spec: &Spec, findings: &mut Findings) {
    for (_, place) in all(spec).filter(|(key, _)| key.contains('/') || !key.contains('.')) {
        findings.add(place(), "must be the name of a control group file, for example memory.high");
    }
}
