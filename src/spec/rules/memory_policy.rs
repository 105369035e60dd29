//! The memory nodes that memory is allocated on. Linux: `set_mempolicy(2)`.

use super::{Findings, cpu_list};
use crate::oci::{MemoryPolicy, Spec, place};

const MODES: [&str; 7] = [
    "MPOL_DEFAULT",
    "MPOL_BIND",
    "MPOL_INTERLEAVE",
    "MPOL_WEIGHTED_INTERLEAVE",
    "MPOL_PREFERRED",
    "MPOL_PREFERRED_MANY",
    "MPOL_LOCAL",
];

const BALANCING: &str = "MPOL_F_NUMA_BALANCING";
const RELATIVE: &str = "MPOL_F_RELATIVE_NODES";
const STATIC: &str = "MPOL_F_STATIC_NODES";

fn policy(spec: &Spec) -> Option<&MemoryPolicy> {
    spec.linux.as_ref()?.memory_policy.as_ref()
}

/// The mode is named and known.
pub(super) fn mode(spec: &Spec, findings: &mut Findings) {
    if policy(spec).is_some_and(|policy| !MODES.contains(&policy.mode.as_str())) {
        let text = format_args!("must be one of {}", MODES.join(", "));
        findings.add(place!["linux", "memoryPolicy", "mode"], text);
    }
}

/// The nodes are a list, where the mode has nodes.
pub(super) fn nodes(spec: &Spec, findings: &mut Findings) {
    let Some(MemoryPolicy { mode, nodes, .. }) = policy(spec) else { return };
    let place = place!["linux", "memoryPolicy", "nodes"];
    match mode.as_str() {
        "MPOL_DEFAULT" | "MPOL_LOCAL" if !nodes.is_empty() => {
            findings.add(place, format_args!("must be empty where the mode is {mode}"));
        }
        "MPOL_DEFAULT" | "MPOL_LOCAL" => {}
        "MPOL_PREFERRED" if nodes.is_empty() => {}
        mode if MODES.contains(&mode) && !cpu_list::is_runc_list(nodes) => {
            findings.add(place, "must be a list, for example 0-1,4");
        }
        _ => {}
    }
}

/// The flags are known, go with the mode, and go together.
pub(super) fn flags(spec: &Spec, findings: &mut Findings) {
    let Some(policy) = policy(spec) else { return };
    let at = |index: usize| place!["linux", "memoryPolicy", "flags", index];
    let is_local = match policy.mode.as_str() {
        "MPOL_PREFERRED" => policy.nodes.is_empty(),
        mode => mode == "MPOL_LOCAL",
    };
    for (index, flag) in policy.flags.iter().enumerate() {
        let balances = matches!(policy.mode.as_str(), "MPOL_BIND" | "MPOL_PREFERRED_MANY");
        match flag.as_str() {
            BALANCING if !balances => {
                findings.add(at(index), "is only for the modes MPOL_BIND and MPOL_PREFERRED_MANY");
            }
            RELATIVE | STATIC if is_local => {
                findings.add(at(index), "is only for a policy with nodes");
            }
            BALANCING | RELATIVE | STATIC => {}
            _ => {
                let text = format_args!("must be one of {BALANCING}, {RELATIVE}, {STATIC}");
                findings.add(at(index), text);
            }
        }
    }
    let has = |wanted: &str| policy.flags.iter().any(|flag| flag == wanted);
    if has(RELATIVE) && has(STATIC) {
        let place = place!["linux", "memoryPolicy", "flags"];
        findings.add(place, format_args!("must not have both {RELATIVE} and {STATIC}"));
    }
}
