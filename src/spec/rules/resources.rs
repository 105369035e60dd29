//! What the container may use: control groups.

use super::{Findings, cpu_list, namespaces};
use crate::oci::{Cpu, Memory, Resources, Spec, place};

/// What a start takes, in bytes: Docker's daemon accepts no lower limit.
const LEAST_MEMORY: i64 = 6 << 20;

/// How many processes Linux can have.
const PROCESSES: i64 = 4_194_304;

/// The period of realtime scheduling where none is set, in microseconds.
const REALTIME_PERIOD: u64 = 1_000_000;

/// The longest realtime period, in microseconds.
const HIGHEST_REALTIME_PERIOD: u64 = u64::MAX / 1000;

pub(super) fn resources(spec: &Spec) -> Option<&Resources> {
    spec.linux.as_ref()?.resources.as_deref()
}

fn memory_of(spec: &Spec) -> Option<&Memory> {
    resources(spec)?.memory.as_ref()
}

fn cpu_of(spec: &Spec) -> Option<&Cpu> {
    resources(spec)?.cpu.as_ref()
}

/// Amounts of memory are in bytes, or -1 for no limit.
pub(super) fn memory(spec: &Spec, findings: &mut Findings) {
    let Some(memory) = memory_of(spec) else { return };
    let amounts =
        [("limit", memory.limit), ("reservation", memory.reservation), ("swap", memory.swap)];
    for (name, amount) in amounts {
        if amount.is_some_and(|bytes| bytes < -1) {
            let place = place!["linux", "resources", "memory", name];
            findings.add(place, "must be bytes, or -1 for no limit");
        }
    }
}

/// A limit of memory is enough for the runtime's own start.
pub(super) fn least_memory(spec: &Spec, findings: &mut Findings) {
    let limit = memory_of(spec).and_then(|memory| memory.limit);
    if limit.is_some_and(|bytes| (1..LEAST_MEMORY).contains(&bytes)) {
        let text = format_args!("should be at least {LEAST_MEMORY}, which the start itself takes");
        findings.add(place!["linux", "resources", "memory", "limit"], text);
    }
}

/// Kernel memory has no limit of its own any more.
pub(super) fn kernel_memory(spec: &Spec, findings: &mut Findings) {
    let Some(memory) = memory_of(spec) else { return };
    for (name, amount) in [("kernel", memory.kernel), ("kernelTCP", memory.kernel_tcp)] {
        if amount.is_some() {
            let text = "has no effect under runc, and crun refuses it on cgroup v2: leave it out";
            findings.add(place!["linux", "resources", "memory", name], text);
        }
    }
}

/// Memory with swap is no less than memory.
pub(super) fn swap(spec: &Spec, findings: &mut Findings) {
    let Some(memory) = memory_of(spec) else { return };
    let Some(swap) = memory.swap.filter(|bytes| *bytes > 0) else { return };
    let text = match memory.limit.unwrap_or_default() {
        -1 | 0 => "is the limit of memory and swap together, and needs a memory limit",
        limit if swap < limit => {
            "is the limit of memory and swap together, and must not be below the memory limit"
        }
        _ => return,
    };
    let place = |name: &str| place!["linux", "resources", "memory", name];
    findings.add_contradiction(place("swap"), place("limit"), text);
}

/// No limit of swap is 0 without a memory limit.
pub(super) fn swap_alone(spec: &Spec, findings: &mut Findings) {
    if memory_of(spec).is_some_and(|memory| memory.swap == Some(0) && memory.limit.is_none()) {
        let place = place!["linux", "resources", "memory", "swap"];
        findings.add(place, "is 0, which crun refuses without a memory limit");
    }
}

/// Swappiness is a percentage. The highest number, which is -1 for a runtime, leaves it unset.
pub(super) fn swappiness(spec: &Spec, findings: &mut Findings) {
    let swappiness = memory_of(spec).and_then(|memory| memory.swappiness);
    if swappiness.is_some_and(|percent| percent > 100 && percent != u64::MAX) {
        findings.add(place!["linux", "resources", "memory", "swappiness"], "must be 0 to 100");
    }
}

/// Block devices have numbers.
pub(super) fn block_devices(spec: &Spec, findings: &mut Findings) {
    let Some(io) = resources(spec).and_then(|resources| resources.block_io.as_ref()) else {
        return;
    };
    let mut check = |list: &'static str, index: usize, major: i64, minor: i64| {
        for (name, number) in [("major", major), ("minor", minor)] {
            if number < 0 {
                let place = place!["linux", "resources", "blockIO", list, index, name];
                findings.add(place, "must not be below 0");
            }
        }
    };
    for (index, device) in io.weight_device.iter().enumerate() {
        check("weightDevice", index, device.major, device.minor);
    }
    for (name, list) in [
        ("throttleReadBpsDevice", &io.throttle_read_bps_device),
        ("throttleWriteBpsDevice", &io.throttle_write_bps_device),
        ("throttleReadIOPSDevice", &io.throttle_read_iops_device),
        ("throttleWriteIOPSDevice", &io.throttle_write_iops_device),
    ] {
        for (index, device) in list.iter().enumerate() {
            check(name, index, device.major, device.minor);
        }
    }
}

/// A period is one that the kernel accepts: a millisecond to a second.
pub(super) fn period(spec: &Spec, findings: &mut Findings) {
    let period = cpu_of(spec).and_then(|cpu| cpu.period);
    if period.is_some_and(|time| time != 0 && !(1000..=1_000_000).contains(&time)) {
        let place = place!["linux", "resources", "cpu", "period"];
        findings.add(place, "must be 1000 to 1000000, in microseconds");
    }
}

/// A quota is one that the kernel accepts: a millisecond or more.
pub(super) fn quota(spec: &Spec, findings: &mut Findings) {
    let quota = cpu_of(spec).and_then(|cpu| cpu.quota);
    if quota.is_some_and(|time| (1..1000).contains(&time)) {
        let place = place!["linux", "resources", "cpu", "quota"];
        findings.add(place, "must be at least 1000, in microseconds");
    }
}

/// A burst is not above the quota.
pub(super) fn burst(spec: &Spec, findings: &mut Findings) {
    let Some(cpu) = cpu_of(spec) else { return };
    let quota = cpu.quota.and_then(|quota| u64::try_from(quota).ok()).filter(|quota| *quota > 0);
    if quota.is_some_and(|quota| cpu.burst.is_some_and(|burst| burst > quota)) {
        let place = |name: &str| place!["linux", "resources", "cpu", name];
        findings.add_contradiction(place("burst"), place("quota"), "must not be above quota");
    }
}

/// A realtime period is one that the kernel can count in nanoseconds, and the runtime is within it.
pub(super) fn realtime(spec: &Spec, findings: &mut Findings) {
    let Some(cpu) = cpu_of(spec) else { return };
    if cpu.realtime_period.is_some_and(|period| period > HIGHEST_REALTIME_PERIOD) {
        let place = place!["linux", "resources", "cpu", "realtimePeriod"];
        findings.add(place, format_args!("must be at most {HIGHEST_REALTIME_PERIOD}"));
    }
    let period = cpu.realtime_period.filter(|period| *period != 0).unwrap_or(REALTIME_PERIOD);
    let runtime = cpu.realtime_runtime.and_then(|runtime| u64::try_from(runtime).ok());
    if runtime.is_some_and(|runtime| runtime > period) {
        let place = |name: &str| place!["linux", "resources", "cpu", name];
        let text = format_args!("must not be above the realtime period, which is {period}");
        findings.add_contradiction(place("realtimeRuntime"), place("realtimePeriod"), text);
    }
}

/// A limit of processes is a number that Linux can have.
pub(super) fn pids(spec: &Spec, findings: &mut Findings) {
    let pids = resources(spec).and_then(|resources| resources.pids.as_ref());
    if pids.and_then(|pids| pids.limit).is_some_and(|processes| processes > PROCESSES) {
        let text = format_args!("must be at most {PROCESSES}, or -1 for no limit");
        findings.add(place!["linux", "resources", "pids", "limit"], text);
    }
}

/// Shares are what version 1 of control groups accepts.
pub(super) fn shares(spec: &Spec, findings: &mut Findings) {
    let shares = cpu_of(spec).and_then(|cpu| cpu.shares);
    if shares.is_some_and(|shares| shares != 0 && !(2..=262_144).contains(&shares)) {
        let text = "should be 2 to 262144, which is what cgroup v1 accepts";
        findings.add(place!["linux", "resources", "cpu", "shares"], text);
    }
}

/// A container is idle or not.
pub(super) fn idle(spec: &Spec, findings: &mut Findings) {
    let idle = cpu_of(spec).and_then(|cpu| cpu.idle);
    if idle.is_some_and(|idle| !(0..=1).contains(&idle)) {
        findings.add(place!["linux", "resources", "cpu", "idle"], "must be 0 or 1");
    }
}

/// CPUs and memory nodes are lists.
pub(super) fn lists(spec: &Spec, findings: &mut Findings) {
    let Some(cpu) = cpu_of(spec) else { return };
    for (name, list) in [("cpus", &cpu.cpus), ("mems", &cpu.mems)] {
        if !cpu_list::is_kernel_list(list) {
            let place = place!["linux", "resources", "cpu", name];
            findings.add(place, "must be a list, for example 0-1,4");
        }
    }
}

/// Weights are what the kernel accepts; 0 is no weight.
pub(super) fn weights(spec: &Spec, findings: &mut Findings) {
    let Some(io) = resources(spec).and_then(|resources| resources.block_io.as_ref()) else {
        return;
    };
    let is_wrong = |weight: Option<u16>| {
        weight.is_some_and(|weight| weight != 0 && !(10..=1000).contains(&weight))
    };
    let text = "must be 10 to 1000";
    for (name, weight) in [("weight", io.weight), ("leafWeight", io.leaf_weight)] {
        if is_wrong(weight) {
            findings.add(place!["linux", "resources", "blockIO", name], text);
        }
    }
    for (index, device) in io.weight_device.iter().enumerate() {
        for (name, weight) in [("weight", device.weight), ("leafWeight", device.leaf_weight)] {
            if is_wrong(weight) {
                let place = place!["linux", "resources", "blockIO", "weightDevice", index, name];
                findings.add(place, text);
            }
        }
    }
}

/// The size of huge pages has the form that the kernel gives it.
pub(super) fn page_size(spec: &Spec, findings: &mut Findings) {
    let is_size = |size: &str| {
        let digits = ["KB", "MB", "GB"].iter().find_map(|unit| size.strip_suffix(unit));
        digits.is_some_and(|digits| {
            !digits.is_empty()
                && !digits.starts_with('0')
                && digits.bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    let limits = resources(spec).into_iter().flat_map(|resources| &resources.hugepage_limits);
    for (index, limit) in limits.enumerate() {
        if !limit.page_size.is_empty() && !is_size(&limit.page_size) {
            let place = place!["linux", "resources", "hugepageLimits", index, "pageSize"];
            findings.add(place, "must be a huge page size, for example 2MB");
        }
    }
}

/// A network priority is for an interface.
pub(super) fn interface_names(spec: &Spec, findings: &mut Findings) {
    let network = resources(spec).and_then(|resources| resources.network.as_ref());
    let priorities = network.into_iter().flat_map(|network| &network.priorities);
    for (index, priority) in priorities.enumerate() {
        if !priority.name.is_empty() && !namespaces::is_device_name(&priority.name) {
            let place = place!["linux", "resources", "network", "priorities", index, "name"];
            findings.add(place, "must be the name of an interface, for example eth0");
        }
    }
}

/// RDMA limits are for a device.
pub(super) fn rdma_names(spec: &Spec, findings: &mut Findings) {
    for name in resources(spec).into_iter().flat_map(|resources| resources.rdma.keys()) {
        if name.is_empty() || name.contains(char::is_whitespace) {
            let place = place!["linux", "resources", "rdma", name.as_str()];
            findings.add(place, "must be the name of an RDMA device, for example mlx5_0");
        }
    }
}
