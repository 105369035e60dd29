//! What runtimes need of a filter of system calls: the calls that they make under it, and a listener.

use super::Findings;
use super::seccomp::{NOTIFY, call_place, calls, filter, named_calls, place_of};
use crate::oci::{Spec, Syscall, place};

/// runc calls `getcwd` under the filter, which it applies early unless there are no new privileges.
pub(super) fn getcwd(spec: &Spec, findings: &mut Findings) {
    if spec.process.as_ref().is_none_or(|process| !process.no_new_privileges) {
        let text = "does not let runc call getcwd, which it does under the filter unless process.noNewPrivileges is true";
        check_allowed(spec, "getcwd", text, findings);
    }
}

/// runc calls `statx` under the filter, at the end of its work.
pub(super) fn statx(spec: &Spec, findings: &mut Findings) {
    check_allowed(
        spec,
        "statx",
        "does not let runc 1.5 call statx before it starts the program",
        findings,
    );
}

/// A filter allows a call that the runtime makes under it.
fn check_allowed(spec: &Spec, name: &str, text: &str, findings: &mut Findings) {
    let Some(filter) = filter(spec) else { return };
    let allows = |action: &str| matches!(action, "SCMP_ACT_ALLOW" | "SCMP_ACT_LOG");
    let has_name = |call: &Syscall| call.names.iter().any(|one| one == name);
    let mut is_allowed = allows(&filter.default_action);
    for (index, call) in calls(spec).filter(|(_, call)| has_name(call)) {
        if allows(&call.action) {
            is_allowed = true;
        } else if allows(&filter.default_action) {
            findings.add(call_place(index, "action"), text);
        }
    }
    if !is_allowed {
        findings.add(place_of("defaultAction"), text);
    }
}

/// The default action does not notify. Neither does `write`, which the runtime needs to pass on the listener.
pub(super) fn notify(spec: &Spec, findings: &mut Findings) {
    if filter(spec).is_some_and(|filter| filter.default_action == NOTIFY) {
        let text = "must not be SCMP_ACT_NOTIFY: no container can start under it";
        findings.add(place_of("defaultAction"), text);
    }
    for (index, call) in calls(spec).filter(|(_, call)| call.action == NOTIFY) {
        for (at, _) in call.names.iter().enumerate().filter(|(_, name)| *name == "write") {
            let text = "must not have the action SCMP_ACT_NOTIFY: the runtime needs it to pass on the listener";
            findings.add(place!["linux", "seccomp", "syscalls", index, "names", at], text);
        }
    }
}

/// A filter that notifies has a listener.
pub(super) fn listener(spec: &Spec, findings: &mut Findings) {
    let lacks = filter(spec).is_some_and(|filter| filter.listener_path.is_empty());
    if lacks && named_calls(spec).any(|(_, call)| call.action == NOTIFY) {
        findings.add(place_of("listenerPath"), "is needed by SCMP_ACT_NOTIFY");
    }
}
