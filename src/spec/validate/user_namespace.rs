//! The ids of a user namespace, and the clocks of a time namespace.

use super::Found;
use super::namespaces::{is_joined, is_own, is_there};
use super::node::Node;

const LISTS: [&str; 2] = ["uidMappings", "gidMappings"];

/// How many ids there are: the last 32-bit number is none.
const IDS: i128 = u32::MAX as i128;

/// How many mappings the kernel takes.
const MAPPINGS: usize = 340;

const CLOCKS: [&str; 2] = ["monotonic", "boottime"];

fn number(mapping: Node<'_>, name: &'static str) -> i128 {
    mapping.get(name).number().unwrap_or_default()
}

/// Whether a list of mappings has an id of the container.
pub(super) fn maps(mappings: Node<'_>, id: i128) -> bool {
    mappings.items().any(|mapping| {
        let first = number(mapping, "containerID");
        (first..first + number(mapping, "size")).contains(&id)
    })
}

/// A user namespace of its own has both lists.
pub(super) fn both(spec: Node<'_>, found: &mut Found) {
    for list in LISTS.map(|name| spec.get("linux").get(name)) {
        if is_own(spec, "user") && !list.is_filled() {
            let namespaces = spec.get("linux").get("namespaces").get("user");
            found.against(list, namespaces, "is needed by a private user namespace");
        }
    }
}

/// Lists belong to a user namespace.
pub(super) fn used(spec: Node<'_>, found: &mut Found) {
    for list in LISTS.map(|name| spec.get("linux").get(name)) {
        if list.is_filled() && !is_there(spec, "user") {
            let namespaces = spec.get("linux").get("namespaces").get("user");
            found.against(list, namespaces, "has no effect without a user namespace");
        }
    }
}

/// The container's root is mapped.
pub(super) fn root(spec: Node<'_>, found: &mut Found) {
    for list in LISTS.map(|name| spec.get("linux").get(name)) {
        if is_own(spec, "user") && list.is_filled() && !maps(list, 0) {
            found.add(list, "must map 0, the container's root");
        }
    }
}

/// Ranges are of some ids, within the numbers there are, and none overlaps another.
pub(super) fn ranges(spec: Node<'_>, found: &mut Found) {
    for list in LISTS.map(|name| spec.get("linux").get(name)) {
        if is_own(spec, "user") {
            check_ranges(list, found);
        }
    }
}

fn check_ranges(list: Node<'_>, found: &mut Found) {
    let sides = ["containerID", "hostID"];
    let all: Vec<Node<'_>> = list.items().collect();
    if all.len() > MAPPINGS {
        found.add(list, format_args!("must be at most {MAPPINGS} mappings"));
        return;
    }
    for (index, mapping) in all.iter().enumerate() {
        let size = number(*mapping, "size");
        let range = |of: Node<'_>, side| (number(of, side), number(of, side) + number(of, "size"));
        if size == 0 {
            found.add(*mapping, "is of no id");
        } else if sides.iter().any(|side| range(*mapping, side).1 > IDS) {
            found.add(*mapping, "leaves the range of ids");
        }
        for (earlier, other) in all[..index].iter().enumerate() {
            let overlap = |side: &&'static str| {
                let (a, b) = (range(*mapping, side), range(*other, side));
                a.0 < b.1 && b.0 < a.1
            };
            if sides.iter().any(overlap) {
                found.add(*mapping, format_args!("overlaps mapping {earlier}"));
            }
        }
    }
}

fn offsets(spec: Node<'_>) -> Node<'_> {
    spec.get("linux").get("timeOffsets")
}

/// Offsets belong to a time namespace.
pub(super) fn offsets_used(spec: Node<'_>, found: &mut Found) {
    if offsets(spec).is_there() && !is_there(spec, "time") {
        let namespaces = spec.get("linux").get("namespaces").get("time");
        found.against(offsets(spec), namespaces, "needs a private time namespace");
    }
}

/// Offsets are not set in a namespace that somebody else has made.
pub(super) fn offsets_own(spec: Node<'_>, found: &mut Found) {
    if offsets(spec).is_there() && is_joined(spec, "time") {
        let namespaces = spec.get("linux").get("namespaces").get("time");
        found.against(offsets(spec), namespaces, "cannot be set in a namespace that is joined");
    }
}

/// Offsets are of clocks that a time namespace has.
pub(super) fn clocks(spec: Node<'_>, found: &mut Found) {
    for (clock, offset) in offsets(spec).members() {
        if !CLOCKS.contains(&clock) {
            found.add(offset, "must be of the clock monotonic or boottime");
        }
    }
}

/// A second has less than a thousand million nanoseconds.
pub(super) fn nanoseconds(spec: Node<'_>, found: &mut Found) {
    for nanoseconds in offsets(spec).members().map(|(_, offset)| offset.get("nanosecs")) {
        if nanoseconds.number().is_some_and(|number| number > 999_999_999) {
            found.add(nanoseconds, "must be at most 999999999");
        }
    }
}
