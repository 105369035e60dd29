//! What the container may use up.

use super::Found;
use super::cpu_list;
use super::node::Node;

/// How many processes Linux can have.
const PROCESSES: i128 = 4_194_304;

fn resources(spec: Node<'_>) -> Node<'_> {
    spec.get("linux").get("resources")
}

/// Amounts of memory are bytes, or -1 for no limit.
pub(super) fn memory(spec: Node<'_>, found: &mut Found) {
    let memory = resources(spec).get("memory");
    for amount in ["limit", "reservation", "swap"].map(|name| memory.get(name)) {
        if amount.number().is_some_and(|bytes| bytes < -1) {
            found.add(amount, "must be bytes, or -1 for no limit");
        }
    }
}

/// Memory with swap is no less than memory.
pub(super) fn swap(spec: Node<'_>, found: &mut Found) {
    let memory = resources(spec).get("memory");
    let (limit, swap) = (memory.get("limit"), memory.get("swap"));
    let Some(bytes) = swap.number().filter(|bytes| *bytes > 0) else { return };
    match limit.number().unwrap_or_default() {
        -1 | 0 => {
            found.against(swap, limit, "is memory and swap together, and needs a limit of memory");
        }
        limit_bytes if bytes < limit_bytes => {
            found.against(swap, limit, "is memory and swap together, and must not be below limit");
        }
        _ => {}
    }
}

/// How eagerly is swapped is a percentage.
pub(super) fn swappiness(spec: Node<'_>, found: &mut Found) {
    let swappiness = resources(spec).get("memory").get("swappiness");
    if swappiness.number().is_some_and(|percent| percent > 100) {
        found.add(swappiness, "must be 0 to 100");
    }
}

/// A period is one that the kernel takes: a millisecond to a second.
pub(super) fn period(spec: Node<'_>, found: &mut Found) {
    let period = resources(spec).get("cpu").get("period");
    if period.number().is_some_and(|time| time != 0 && !(1000..=1_000_000).contains(&time)) {
        found.add(period, "must be 1000 to 1000000, in microseconds");
    }
}

/// A quota is one that the kernel takes: at least a millisecond.
pub(super) fn quota(spec: Node<'_>, found: &mut Found) {
    let quota = resources(spec).get("cpu").get("quota");
    if quota.number().is_some_and(|time| (1..1000).contains(&time)) {
        found.add(quota, "must be at least 1000, in microseconds");
    }
}

/// A burst is no more than the quota.
pub(super) fn burst(spec: Node<'_>, found: &mut Found) {
    let cpu = resources(spec).get("cpu");
    let (burst, quota) = (cpu.get("burst"), cpu.get("quota"));
    let limited = quota.number().is_some_and(|quota| quota > 0);
    if limited && burst.number() > quota.number() {
        found.against(burst, quota, "must not be above quota");
    }
}

/// A limit of processes is a number that there can be.
pub(super) fn pids(spec: Node<'_>, found: &mut Found) {
    let limit = resources(spec).get("pids").get("limit");
    if limit.number().is_some_and(|processes| processes > PROCESSES) {
        found.add(limit, format_args!("must be at most {PROCESSES}, or -1 for no limit"));
    }
}

/// Shares are what version 1 of control groups takes.
pub(super) fn shares(spec: Node<'_>, found: &mut Found) {
    let shares = resources(spec).get("cpu").get("shares");
    if shares.number().is_some_and(|shares| shares != 0 && !(2..=262_144).contains(&shares)) {
        found.add(shares, "should be 2 to 262144, which is what cgroup v1 takes");
    }
}

/// A container is idle or not.
pub(super) fn idle(spec: Node<'_>, found: &mut Found) {
    let idle = resources(spec).get("cpu").get("idle");
    if idle.number().is_some_and(|idle| !(0..=1).contains(&idle)) {
        found.add(idle, "must be 0 or 1");
    }
}

/// Processors and memory nodes are lists.
pub(super) fn lists(spec: Node<'_>, found: &mut Found) {
    let cpu = resources(spec).get("cpu");
    for list in ["cpus", "mems"].map(|name| cpu.get(name)) {
        cpu_list::check(list, u32::MAX, found);
    }
}

/// The size of huge pages is written as the kernel writes it.
pub(super) fn page_size(spec: Node<'_>, found: &mut Found) {
    for size in resources(spec).get("hugepageLimits").items().map(|limit| limit.get("pageSize")) {
        let digits = |text: &str| {
            ["KB", "MB", "GB"].iter().find_map(|unit| text.strip_suffix(unit)).map(str::to_owned)
        };
        let number = |text: &str| {
            digits(text).is_some_and(|digits| {
                !digits.is_empty()
                    && !digits.starts_with('0')
                    && digits.bytes().all(|b| b.is_ascii_digit())
            })
        };
        if size.text().is_some_and(|text| !number(text)) {
            found.add(size, "must be a size of huge pages, as 2MB");
        }
    }
}

/// A name of the unified hierarchy is that of a file, with its controller.
pub(super) fn unified(spec: Node<'_>, found: &mut Found) {
    for (name, value) in resources(spec).get("unified").members() {
        if name.contains('/') || !name.contains('.') {
            found.add(value, "must be the name of a file, as memory.high");
        }
    }
}
