//! Resource limits.

use crate::api::pb::specd as pb;
use crate::domain::violation::Violations;
use crate::oci::{
    BlockIo, Cpu, HugepageLimit, IntelRdt, InterfacePriority, Memory, Network, Pids, Rdma,
    Resources, ThrottleDevice, WeightDevice,
};
use std::collections::BTreeMap;

pub(super) fn resources(message: pb::ResourceOptions, wrong: &mut Violations) -> Resources {
    let pids = |limit| Pids { limit: Some(limit), ..Pids::default() };
    Resources {
        devices: Vec::new(),
        memory: message.memory.map(|message| memory(&message)),
        cpu: message.cpu.map(cpu),
        pids: message.pids_limit.map(pids),
        block_io: message.block_io.map(|message| block_io(message, wrong)),
        hugepage_limits: hugepage_limits(message.hugepage_limits, wrong),
        network: message.network.map(network),
        rdma: rdma(message.rdma, wrong),
        unified: message.unified,
        ..Resources::default()
    }
}

fn hugepage_limits(limits: BTreeMap<String, i64>, wrong: &mut Violations) -> Vec<HugepageLimit> {
    let mut list = Vec::with_capacity(limits.len());
    for (page_size, limit) in limits {
        let field = format!("options.resources.hugepage_limits[{page_size:?}]");
        let limit = u64::try_from(limit).map_err(|_| "must be bytes, at least 0");
        let limit = wrong.keep(&field, limit).unwrap_or_default();
        list.push(HugepageLimit { page_size, limit, ..HugepageLimit::default() });
    }
    list
}

fn memory(message: &pb::MemoryResources) -> Memory {
    Memory {
        limit: message.limit,
        reservation: message.reservation,
        swap: message.swap,
        kernel: None,
        kernel_tcp: message.kernel_tcp,
        swappiness: message.swappiness,
        disable_oom_killer: message.disable_oom_killer,
        use_hierarchy: message.use_hierarchy,
        check_before_update: message.check_before_update,
        ..Memory::default()
    }
}

fn cpu(message: pb::CpuResources) -> Cpu {
    Cpu {
        shares: message.shares,
        quota: message.quota,
        burst: message.burst,
        period: message.period,
        realtime_runtime: message.realtime_runtime,
        realtime_period: message.realtime_period,
        cpus: message.cpus.unwrap_or_default(),
        mems: message.mems.unwrap_or_default(),
        idle: message.idle,
        ..Cpu::default()
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
        weight_device.push(WeightDevice {
            major,
            minor,
            weight: weight(own, &format!("{field}.weight"), wrong),
            leaf_weight: weight(leaf, &format!("{field}.leaf_weight"), wrong),
            ..WeightDevice::default()
        });
    }
    let throttles = |list: Vec<pb::ThrottleDevice>| {
        let convert = |pb::ThrottleDevice { major, minor, rate }| ThrottleDevice {
            major,
            minor,
            rate,
            ..ThrottleDevice::default()
        };
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
        ..BlockIo::default()
    }
}

/// A weight, which the runtime spec holds in 16 bits.
fn weight(weight: Option<u32>, field: &str, wrong: &mut Violations) -> Option<u16> {
    wrong.keep(field, u16::try_from(weight?).map_err(|_| "must be 10 to 1000"))
}

fn network(message: pb::NetworkResources) -> Network {
    let convert = |pb::InterfacePriority { name, priority }| InterfacePriority {
        name,
        priority,
        ..InterfacePriority::default()
    };
    let priorities = message.priorities.into_iter().map(convert).collect();
    Network { class_id: message.class_id, priorities, ..Network::default() }
}

fn rdma(
    limits: BTreeMap<String, pb::RdmaLimits>,
    wrong: &mut Violations,
) -> BTreeMap<String, Rdma> {
    for (device, pb::RdmaLimits { hca_handles, hca_objects }) in &limits {
        if hca_handles.is_none() && hca_objects.is_none() {
            let field = format!("options.resources.rdma[{device:?}]");
            wrong.push(field, "must have hca_handles or hca_objects");
        }
    }
    let convert = |(device, limits): (String, pb::RdmaLimits)| {
        let pb::RdmaLimits { hca_handles, hca_objects } = limits;
        (device, Rdma { hca_handles, hca_objects, ..Rdma::default() })
    };
    limits.into_iter().map(convert).collect()
}

pub(super) fn rdt(message: pb::RdtResources) -> IntelRdt {
    IntelRdt {
        clos_id: message.clos_id.unwrap_or_default(),
        schemata: message.schemata,
        l3_cache_schema: message.l3_cache_schema.unwrap_or_default(),
        mem_bw_schema: message.mem_bw_schema.unwrap_or_default(),
        enable_cmt: message.enable_cmt.unwrap_or_default(),
        enable_mbm: message.enable_mbm.unwrap_or_default(),
        enable_monitoring: message.enable_monitoring.unwrap_or_default(),
        ..IntelRdt::default()
    }
}
