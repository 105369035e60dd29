//! The capability sets of the process.

use super::Findings;
use crate::domain::capability::KNOWN;
use crate::oci::{Capabilities, Spec, place};
use std::collections::HashSet;

fn sets(spec: &Spec) -> Option<&Capabilities> {
    spec.process.as_ref()?.capabilities.as_deref()
}

/// Every name is that of a capability.
pub(super) fn names(spec: &Spec, findings: &mut Findings) {
    for (set, names) in sets(spec).into_iter().flat_map(Capabilities::sets) {
        for (index, name) in names.iter().enumerate() {
            if !KNOWN.contains(&name.as_str()) {
                let place = place!["process", "capabilities", set, index];
                findings.add(place, format_args!("{name:?} is not a capability"));
            }
        }
    }
}

/// Effective capabilities are permitted.
pub(super) fn effective(spec: &Spec, findings: &mut Findings) {
    if let Some(sets) = sets(spec) {
        let missing = missing(&sets.effective, &sets.permitted);
        note(missing, "effective", "permitted", findings);
    }
}

/// Inheritable capabilities are in the bounding set. [`ambient`] notes those that are ambient and not permitted.
pub(super) fn inheritable(spec: &Spec, findings: &mut Findings) {
    let Some(sets) = sets(spec) else { return };
    let mut missing = missing(&sets.inheritable, &sets.bounding);
    if !missing.is_empty() {
        let (ambient, permitted) = (set_of(&sets.ambient), set_of(&sets.permitted));
        missing.retain(|name| !ambient.contains(name) || permitted.contains(name));
    }
    note(missing, "inheritable", "bounding", findings);
}

/// Ambient capabilities are permitted and inheritable.
pub(super) fn ambient(spec: &Spec, findings: &mut Findings) {
    let Some(sets) = sets(spec) else { return };
    note(missing(&sets.ambient, &sets.permitted), "ambient", "permitted", findings);
    note(missing(&sets.ambient, &sets.inheritable), "ambient", "inheritable", findings);
}

fn set_of(names: &[String]) -> HashSet<&str> {
    names.iter().map(String::as_str).collect()
}

/// The names of a list that another list lacks. A runtime ignores names that it does not know, which [`names`] notes; crun
/// knows a name in small letters, too.
fn missing<'a>(inner: &'a [String], outer: &[String]) -> Vec<&'a str> {
    if inner.is_empty() || inner == outer {
        return Vec::new();
    }
    let outer: HashSet<String> = outer.iter().map(|name| name.to_ascii_uppercase()).collect();
    let lacks = |name: &&str| !outer.contains(*name) && KNOWN.contains(name);
    inner.iter().map(String::as_str).filter(lacks).collect()
}

fn note(missing: Vec<&str>, inner: &'static str, outer: &str, findings: &mut Findings) {
    for name in missing {
        let place = place!["process", "capabilities", inner];
        findings.add(place, format_args!("{name} is not in the {outer} set; add it there too"));
    }
}
