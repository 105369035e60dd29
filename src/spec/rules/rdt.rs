//! Cache and memory bandwidth (resctrl).

use super::Findings;
use crate::oci::{IntelRdt, Spec, place};

fn rdt(spec: &Spec) -> Option<&IntelRdt> {
    spec.linux.as_ref()?.intel_rdt.as_ref()
}

/// A class of service is the name of a directory, or `/`: the default class, since the runtime spec 1.3.
pub(super) fn class_of_service(spec: &Spec, findings: &mut Findings) {
    let is_name = |name: &str| {
        name == "/" || !(name.contains(['/', '\n', '\0']) || matches!(name, "." | ".."))
    };
    if rdt(spec).is_some_and(|rdt| !is_name(&rdt.clos_id)) {
        findings
            .add(place!["linux", "intelRdt", "closID"], "must be the name of a directory, or /");
    }
}

/// The default class needs a new runc.
pub(super) fn default_class(spec: &Spec, findings: &mut Findings) {
    if rdt(spec).is_some_and(|rdt| rdt.clos_id == "/") {
        let text = "is the default class of service, which needs runc 1.4 or newer";
        findings.add(place!["linux", "intelRdt", "closID"], text);
    }
}

/// Each of the schemata is a line with the name of a resource.
pub(super) fn schemata(spec: &Spec, findings: &mut Findings) {
    for (index, line) in rdt(spec).iter().flat_map(|rdt| &rdt.schemata).enumerate() {
        if line.contains('\n') || !line.contains(':') {
            let place = place!["linux", "intelRdt", "schemata", index];
            findings.add(place, "must be one line, for example L3:0=f;1=f0");
        }
    }
}
