//! Device nodes, and the rules on which devices may be used.

use super::Found;
use super::node::Node;

/// A node is of a kind that can be made.
pub(super) fn kind(spec: Node<'_>, found: &mut Found) {
    for kind in spec.get("linux").get("devices").items().map(|device| device.get("type")) {
        if !["c", "u", "b", "p"].contains(&kind.text().unwrap_or_default()) {
            found.add(kind, "must be c, u, b or p");
        }
    }
}

/// A node has the numbers of a device.
pub(super) fn numbers(spec: Node<'_>, found: &mut Found) {
    for device in spec.get("linux").get("devices").items() {
        let fifo = device.get("type").text() == Some("p");
        for number in ["major", "minor"].map(|name| device.get(name)) {
            if !fifo && number.number().is_some_and(|number| number < 0) {
                found.add(number, "must not be below 0");
            }
        }
    }
}

fn rules(spec: Node<'_>) -> impl Iterator<Item = Node<'_>> {
    spec.get("linux").get("resources").get("devices").items()
}

/// A rule says which access it is about.
pub(super) fn access(spec: Node<'_>, found: &mut Found) {
    for access in rules(spec).map(|rule| rule.get("access")) {
        if access.filled_text().is_none() {
            found.add(access, "must be letters of \"rwm\"");
        }
    }
}

/// A rule is on a kind of devices that control groups know.
pub(super) fn rule_kind(spec: Node<'_>, found: &mut Found) {
    for kind in rules(spec).map(|rule| rule.get("type")) {
        if kind.filled_text().is_some_and(|text| !["a", "b", "c"].contains(&text)) {
            found.add(kind, "must be a, b or c");
        }
    }
}
