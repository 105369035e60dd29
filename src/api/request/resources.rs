//! What the container may use up.

use crate::api::pb::specd as pb;
use crate::domain::resources::{
    BlockIo, Cpu, HugepageLimit, InterfacePriority, Memory, Network, Pids, Rdma, Resources,
    Throttle, Weight,
};
use crate::domain::violation::Violations;
use std::collections::BTreeMap;

pub(super) fn resources(message: pb::ResourceOptions, wrong: &mut Violations) -> Resources {
    let hugepages: BTreeMap<String, i64> = message.hugepage_limits.into_iter().collect();
    for (size, limit) in &hugepages {
        let field = format!("options.resources.hugepage_limits[{size:?}]");
        if !is_page_size(size) {
            wrong.push(&field, "must be a number and KB, MB or GB, as 2MB");
        }
        if *limit < 0 {
            wrong.push(field, "must be bytes, at least 0");
        }
    }
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
        network: message.network.map(|message| network(message, wrong)),
        rdma: rdma(message.rdma, wrong),
        unified: message.unified.into_iter().collect(),
    }
}

/// runtime-spec: `pageSize` of the schema.
fn is_page_size(size: &str) -> bool {
    let number = ["KB", "MB", "GB"].iter().find_map(|unit| size.strip_suffix(unit));
    number.is_some_and(|number| {
        !number.is_empty() && !number.starts_with('0') && number.bytes().all(|b| b.is_ascii_digit())
    })
}

fn memory(message: &pb::MemoryResources, wrong: &mut Violations) -> Memory {
    let pb::MemoryResources { limit, reservation, swap, swappiness, kernel_tcp, .. } = *message;
    let amounts = [
        ("limit", limit),
        ("reservation", reservation),
        ("swap", swap),
        ("kernel_tcp", kernel_tcp),
    ];
    for (name, value) in amounts {
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
    Memory {
        limit,
        reservation,
        swap,
        kernel_tcp,
        swappiness,
        disable_oom_killer: message.disable_oom_killer,
        use_hierarchy: message.use_hierarchy,
        check_before_update: message.check_before_update,
    }
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
    const FIELD: &str = "options.resources.block_io";
    let weighted = message.weight_device.into_iter().enumerate();
    let mut weight_device = Vec::new();
    for (index, pb::WeightDevice { major, minor, weight: own, leaf_weight: leaf }) in weighted {
        let field = format!("{FIELD}.weight_device[{index}]");
        if own.is_none() && leaf.is_none() {
            wrong.push(&field, "must have a weight or a leaf_weight");
        }
        weight_device.push(Weight {
            major,
            minor,
            weight: weight(own, &format!("{field}.weight"), wrong),
            leaf_weight: weight(leaf, &format!("{field}.leaf_weight"), wrong),
        });
    }
    let throttles = |list: Vec<pb::ThrottleDevice>| {
        let convert = |pb::ThrottleDevice { major, minor, rate }| Throttle { major, minor, rate };
        list.into_iter().map(convert).collect()
    };
    BlockIo {
        weight: weight(message.weight, &format!("{FIELD}.weight"), wrong),
        leaf_weight: weight(message.leaf_weight, &format!("{FIELD}.leaf_weight"), wrong),
        weight_device,
        throttle_read_bps_device: throttles(message.throttle_read_bps_device),
        throttle_write_bps_device: throttles(message.throttle_write_bps_device),
        throttle_read_iops_device: throttles(message.throttle_read_iops_device),
        throttle_write_iops_device: throttles(message.throttle_write_iops_device),
    }
}

fn weight(weight: Option<u32>, field: &str, wrong: &mut Violations) -> Option<u16> {
    let fits = u16::try_from(weight?).ok().filter(|weight| (10..=1000).contains(weight));
    wrong.keep(field, fits.ok_or("must be 10 to 1000"))
}

fn network(message: pb::NetworkResources, wrong: &mut Violations) -> Network {
    let mut priorities: Vec<InterfacePriority> = Vec::new();
    for (index, message) in message.priorities.into_iter().enumerate() {
        let pb::InterfacePriority { name, priority } = message;
        let field = format!("options.resources.network.priorities[{index}].name");
        if name.is_empty() || name.contains(char::is_whitespace) {
            wrong.push(field, "must be the name of an interface, as eth0");
        } else if priorities.iter().any(|other| other.name == name) {
            wrong.push(field, "is there twice");
        }
        priorities.push(InterfacePriority { name, priority });
    }
    Network { class_id: message.class_id, priorities }
}

fn rdma(
    limits: std::collections::HashMap<String, pb::RdmaLimits>,
    wrong: &mut Violations,
) -> BTreeMap<String, Rdma> {
    let limits: BTreeMap<_, _> = limits.into_iter().collect();
    for (device, pb::RdmaLimits { hca_handles, hca_objects }) in &limits {
        let field = format!("options.resources.rdma[{device:?}]");
        if device.is_empty() || device.contains(char::is_whitespace) {
            wrong.push(&field, "must be the name of an RDMA device, as mlx5_0");
        }
        if hca_handles.is_none() && hca_objects.is_none() {
            wrong.push(field, "must have hca_handles or hca_objects");
        }
    }
    let convert = |(device, limits): (String, pb::RdmaLimits)| {
        let pb::RdmaLimits { hca_handles, hca_objects } = limits;
        (device, Rdma { hca_handles, hca_objects })
    };
    limits.into_iter().map(convert).collect()
}
