//! What the container may use up.

use crate::domain::resources::{BlockIo, Cpu, HugepageLimit, Memory, Pids, Resources, Throttle};
use crate::domain::violation::Violations;
use crate::pb::specd as pb;
use std::collections::BTreeMap;

pub(super) fn resources(message: pb::ResourceOptions, wrong: &mut Violations) -> Resources {
    let hugepages: BTreeMap<String, i64> = message.hugepage_limits.into_iter().collect();
    for name in message.unified.keys() {
        if name.is_empty() || name.contains('/') {
            let field = format!("options.resources.unified[{name:?}]");
            wrong.push(field, "must be the name of a file, as memory.high");
        }
    }
    Resources {
        memory: message.memory.map(|message| memory(&message, wrong)),
        cpu: message.cpu.map(|message| cpu(message, wrong)),
        pids: message.pids_limit.map(|limit| Pids { limit }),
        block_io: message.block_io.map(|message| block_io(message, wrong)),
        hugepage_limits: hugepages
            .into_iter()
            .map(|(page_size, limit)| HugepageLimit { page_size, limit })
            .collect(),
        unified: message.unified.into_iter().collect(),
    }
}

fn memory(message: &pb::MemoryResources, wrong: &mut Violations) -> Memory {
    let pb::MemoryResources { limit, reservation, swap, swappiness, disable_oom_killer } = *message;
    for (name, value) in [("limit", limit), ("reservation", reservation), ("swap", swap)] {
        if value.is_some_and(|bytes| bytes < -1) {
            wrong.push(
                format!("options.resources.memory.{name}"),
                "must be bytes, or -1 for no limit",
            );
        }
    }
    if swappiness.is_some_and(|percent| percent > 100) {
        wrong.push("options.resources.memory.swappiness", "must be 0 to 100");
    }
    Memory { limit, reservation, swap, swappiness, disable_oom_killer }
}

fn cpu(message: pb::CpuResources, wrong: &mut Violations) -> Cpu {
    for (name, list) in [("cpus", &message.cpus), ("mems", &message.mems)] {
        let plain =
            |text: &String| text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b',' | b'-'));
        if !list.as_ref().is_none_or(plain) {
            wrong.push(format!("options.resources.cpu.{name}"), "must be a list, as 0-1,4");
        }
    }
    Cpu {
        shares: message.shares,
        quota: message.quota,
        burst: message.burst,
        period: message.period,
        realtime_runtime: message.realtime_runtime,
        realtime_period: message.realtime_period,
        cpus: message.cpus,
        mems: message.mems,
        idle: message.idle,
    }
}

fn block_io(message: pb::BlockIoResources, wrong: &mut Violations) -> BlockIo {
    let weight = message.weight.and_then(|weight| {
        let fits = u16::try_from(weight).ok().filter(|weight| (10..=1000).contains(weight));
        wrong.keep("options.resources.block_io.weight", fits.ok_or("must be 10 to 1000"))
    });
    let throttles = |list: Vec<pb::ThrottleDevice>| {
        let convert = |pb::ThrottleDevice { major, minor, rate }| Throttle { major, minor, rate };
        list.into_iter().map(convert).collect()
    };
    BlockIo {
        weight,
        throttle_read_bps_device: throttles(message.throttle_read_bps_device),
        throttle_write_bps_device: throttles(message.throttle_write_bps_device),
        throttle_read_iops_device: throttles(message.throttle_read_iops_device),
        throttle_write_iops_device: throttles(message.throttle_write_iops_device),
    }
}
