//! The IDs of a user namespace, and the clocks of a time namespace.

use super::Findings;
use super::mounts::mapping_lists;
use super::namespaces::{exists, is_joined, is_private, place_of};
use crate::oci::{IdMapping, Place, Spec, place};
use std::ops::Range;

/// How many IDs there are: the last 32-bit number is reserved.
const IDS: u64 = u32::MAX as u64;

/// How many mappings the kernel accepts.
const MAPPINGS: usize = 340;

const CLOCKS: [&str; 2] = ["monotonic", "boottime"];

fn range(first: u32, size: u32) -> Range<u64> {
    u64::from(first)..u64::from(first) + u64::from(size)
}

/// The IDs of the container that a list maps, as sorted ranges that do not overlap.
pub(super) struct MappedIds(Vec<Range<u64>>);

impl MappedIds {
    pub(super) fn new(mappings: &[IdMapping]) -> Self {
        let mut ranges: Vec<Range<u64>> =
            mappings.iter().map(|mapping| range(mapping.container_id, mapping.size)).collect();
        ranges.sort_unstable_by_key(|range| range.start);
        ranges.dedup_by(|later, earlier| {
            let touches = later.start <= earlier.end;
            if touches {
                earlier.end = earlier.end.max(later.end);
            }
            touches
        });
        Self(ranges)
    }

    pub(super) fn contain(&self, id: u32) -> bool {
        let id = u64::from(id);
        let after = self.0.partition_point(|range| range.start <= id);
        after.checked_sub(1).is_some_and(|at| self.0[at].contains(&id))
    }
}

/// The two lists of the container with their names.
fn lists(spec: &Spec) -> impl Iterator<Item = (&'static str, &[IdMapping])> {
    spec.linux.iter().flat_map(|linux| {
        [("uidMappings", &*linux.uid_mappings), ("gidMappings", &*linux.gid_mappings)]
    })
}

/// A private user namespace has both lists.
pub(super) fn both(spec: &Spec, findings: &mut Findings) {
    for (name, list) in lists(spec) {
        if list.is_empty() && is_private(spec, "user") {
            let text = "is needed by a private user namespace";
            findings.add_contradiction(place!["linux", name], place_of("user"), text);
        }
    }
}

/// An old runc needs the lists of a namespace that it joins, too.
pub(super) fn joined(spec: &Spec, findings: &mut Findings) {
    for (name, list) in lists(spec) {
        if list.is_empty() && is_joined(spec, "user") {
            let text = "is missing, which runc 1.1 needs where a user namespace is joined";
            findings.add_contradiction(place!["linux", name], place_of("user"), text);
        }
    }
}

/// Lists belong to a user namespace.
pub(super) fn used(spec: &Spec, findings: &mut Findings) {
    for (name, list) in lists(spec) {
        if !list.is_empty() && !exists(spec, "user") {
            let text = "has no effect without a user namespace";
            findings.add_contradiction(place!["linux", name], place_of("user"), text);
        }
    }
}

/// The container's root is mapped.
pub(super) fn root(spec: &Spec, findings: &mut Findings) {
    for (name, list) in lists(spec).filter(|(_, list)| !list.is_empty()) {
        let maps_root = list.iter().any(|mapping| mapping.container_id == 0 && mapping.size > 0);
        if !maps_root && is_private(spec, "user") {
            findings.add(place!["linux", name], "must map 0, the container's root");
        }
    }
}

/// Ranges are not empty, are within the IDs that exist, and do not overlap.
pub(super) fn ranges(spec: &Spec, findings: &mut Findings) {
    for (name, list) in lists(spec) {
        if is_private(spec, "user") {
            check_ranges(&place!["linux", name], list, findings);
        }
    }
}

/// How much text of mappings the kernel accepts, in bytes: less than a page.
const MAPPING_BYTES: usize = 4095;

/// Mappings are as short as the kernel accepts.
pub(super) fn mapping_text(spec: &Spec, findings: &mut Findings) {
    let line = |it: &IdMapping| format!("{} {} {}\n", it.container_id, it.host_id, it.size).len();
    let is_long = |list: &[IdMapping]| {
        list.len() <= MAPPINGS && list.iter().map(line).sum::<usize>() > MAPPING_BYTES
    };
    let own = lists(spec)
        .filter(|(_, list)| is_private(spec, "user") && is_long(list))
        .map(|(name, _)| place!["linux", name]);
    let of_mounts = spec.mounts.iter().enumerate().flat_map(|(index, mount)| {
        let long = mapping_lists(mount).into_iter().filter(|(_, list)| is_long(list));
        long.map(move |(name, _)| place!["mounts", index, name])
    });
    for place in own.chain(of_mounts) {
        let text = format_args!("should take at most {MAPPING_BYTES} bytes as the text of uid_map");
        findings.add(place, text);
    }
}

/// Notes what is wrong with the ranges of a list.
pub(super) fn check_ranges(list_place: &Place, list: &[IdMapping], findings: &mut Findings) {
    if list.len() > MAPPINGS {
        let text = format_args!("must be at most {MAPPINGS} mappings");
        findings.add(list_place.clone(), text);
        return;
    }
    let sides = |mapping: &IdMapping| {
        [range(mapping.container_id, mapping.size), range(mapping.host_id, mapping.size)]
    };
    let overlap = |a: &Range<u64>, b: &Range<u64>| a.start < b.end && b.start < a.end;
    for (index, mapping) in list.iter().enumerate() {
        let place = || list_place.clone().enter(index, |place| place.clone());
        let ranges = sides(mapping);
        if mapping.size == 0 {
            findings.add(place(), "has size 0");
        } else if ranges.iter().any(|range| range.end > IDS) {
            findings.add(place(), format_args!("goes beyond {}, the highest ID", IDS - 1));
        }
        let overlaps =
            |other: &IdMapping| ranges.iter().zip(&sides(other)).any(|(a, b)| overlap(a, b));
        if let Some(earlier) = list[..index].iter().position(overlaps) {
            findings.add(place(), format_args!("overlaps mapping {earlier}"));
        }
    }
}

/// Whether the container's user namespace does not own its namespace of a kind: that namespace is older.
fn is_owned_elsewhere(spec: &Spec, kind: &str) -> bool {
    if is_private(spec, "user") {
        !is_private(spec, kind)
    } else {
        is_joined(spec, "user") && !exists(spec, kind)
    }
}

/// Each filesystem that shows a namespace, with the kind of that namespace.
const SHOWN: [(&str, &str); 3] = [("sysfs", "network"), ("proc", "pid"), ("mqueue", "ipc")];

/// A filesystem that shows a namespace is mounted by the user namespace that owns it.
fn mounted_by_owner(spec: &Spec, filesystem: &str, findings: &mut Findings) {
    let Some((_, kind)) = SHOWN.iter().find(|(name, _)| *name == filesystem) else { return };
    if !is_owned_elsewhere(spec, kind) {
        return;
    }
    let is_mapped = lists(spec).any(|(_, list)| !list.is_empty());
    let against = if is_mapped { place!["linux", "uidMappings"] } else { place_of("user") };
    for (index, mount) in spec.mounts.iter().enumerate() {
        if mount.kind == filesystem && !mount.is_bind() {
            let text = format_args!(
                "{filesystem} cannot be mounted by a user namespace that does not own the {kind} namespace: \
                 make it private, or bind the host's"
            );
            findings.add_contradiction(place!["mounts", index, "type"], against.clone(), text);
        }
    }
}

/// A sysfs is mounted by the owner of the network namespace.
pub(super) fn sysfs(spec: &Spec, findings: &mut Findings) {
    mounted_by_owner(spec, "sysfs", findings);
}

/// A proc is mounted by the owner of the pid namespace.
pub(super) fn proc(spec: &Spec, findings: &mut Findings) {
    mounted_by_owner(spec, "proc", findings);
}

/// An mqueue is mounted by the owner of the ipc namespace.
pub(super) fn mqueue(spec: &Spec, findings: &mut Findings) {
    mounted_by_owner(spec, "mqueue", findings);
}

/// What is in a joined mount namespace is mounted by its owner.
pub(super) fn mounts(spec: &Spec, findings: &mut Findings) {
    if is_private(spec, "user") && is_joined(spec, "mount") {
        let text = "is joined, where a private user namespace cannot mount anything";
        findings.add_contradiction(place_of("mount"), place_of("user"), text);
    }
}

/// The names of a joined UTS namespace are set by its owner, which is not a user namespace that is made afterwards.
pub(super) fn names(spec: &Spec, findings: &mut Findings) {
    if !is_private(spec, "user") || !is_joined(spec, "uts") {
        return;
    }
    for (field, name) in [("hostname", &spec.hostname), ("domainname", &spec.domainname)] {
        if !name.is_empty() {
            let text = "cannot be set by a user namespace that does not own the uts namespace";
            findings.add_contradiction(place![field], place_of("uts"), text);
        }
    }
}

/// The owner of a filesystem is mapped.
pub(super) fn mount_owner(spec: &Spec, findings: &mut Findings) {
    if !is_private(spec, "user") {
        return;
    }
    for (name, list) in lists(spec).filter(|(_, list)| !list.is_empty()) {
        let ids = MappedIds::new(list);
        let option_name = if name == "uidMappings" { "uid=" } else { "gid=" };
        for (index, mount) in spec.mounts.iter().enumerate().filter(|(_, it)| !it.is_bind()) {
            for (at, option) in mount.options.iter().enumerate() {
                let id = option.strip_prefix(option_name).and_then(|id| id.parse().ok());
                if id.is_some_and(|id| !ids.contain(id)) {
                    let place = place!["mounts", index, "options", at];
                    let text = format_args!("{option} is not mapped by linux.{name}");
                    findings.add_contradiction(place, place!["linux", name], text);
                }
            }
        }
    }
}

fn has_offsets(spec: &Spec) -> bool {
    spec.linux.as_ref().is_some_and(|linux| !linux.time_offsets.is_empty())
}

/// Offsets belong to a time namespace.
pub(super) fn offsets_used(spec: &Spec, findings: &mut Findings) {
    if has_offsets(spec) && !exists(spec, "time") {
        let text = "needs a private time namespace";
        findings.add_contradiction(place!["linux", "timeOffsets"], place_of("time"), text);
    }
}

/// Offsets are not set in a joined namespace.
pub(super) fn offsets_own(spec: &Spec, findings: &mut Findings) {
    if has_offsets(spec) && is_joined(spec, "time") {
        let text = "cannot be set in a joined namespace";
        findings.add_contradiction(place!["linux", "timeOffsets"], place_of("time"), text);
    }
}

/// Offsets are for the clocks that a time namespace has.
pub(super) fn clocks(spec: &Spec, findings: &mut Findings) {
    for clock in spec.linux.iter().flat_map(|linux| linux.time_offsets.keys()) {
        if !CLOCKS.contains(&clock.as_str()) {
            let place = place!["linux", "timeOffsets", clock.as_str()];
            findings.add(place, "must be for the clock monotonic or boottime");
        }
    }
}

/// The kernel's clocks end at twice this number of seconds, `KTIME_SEC_MAX`, of which a namespace may use half.
const HIGHEST_OFFSET: u64 = 9_223_372_036 / 2 - 1;

/// An offset is one that the kernel takes, and a second has less than a thousand million nanoseconds.
pub(super) fn offset_sizes(spec: &Spec, findings: &mut Findings) {
    for (clock, offset) in spec.linux.iter().flat_map(|linux| &linux.time_offsets) {
        if offset.secs.unsigned_abs() > HIGHEST_OFFSET {
            let place = place!["linux", "timeOffsets", clock.as_str(), "secs"];
            let text = format_args!("must be between -{HIGHEST_OFFSET} and {HIGHEST_OFFSET}");
            findings.add(place, text);
        }
        if offset.nanosecs > 999_999_999 {
            let place = place!["linux", "timeOffsets", clock.as_str(), "nanosecs"];
            findings.add(place, "must be at most 999999999");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_in_any_order_of_ranges() {
        let mapping = |(container_id, size)| IdMapping { container_id, size, ..Default::default() };
        let ids = MappedIds::new(&[(10, 5), (0, 1), (1, 1), (12, 9), (100, 0)].map(mapping));
        let mapped: Vec<u32> = (0..200).filter(|id| ids.contain(*id)).collect();
        assert_eq!(mapped, [0, 1].into_iter().chain(10..21).collect::<Vec<u32>>());
        assert!(!MappedIds::new(&[]).contain(0));
    }
}
