//! Resource limits.

use super::convert::{Convert, convert};
use crate::api::pb::specd as pb;
use crate::domain::violation::Violations;
use crate::oci::{
    BlockIo, Cpu, HugepageLimit, IntelRdt, InterfacePriority, Memory, Network, Pids, Rdma,
    Resources, ThrottleDevice, WeightDevice,
};
use std::collections::BTreeMap;

convert! {
    CpuResources => Cpu {
        shares, quota, burst, period, realtime_runtime, realtime_period, cpus, mems, idle,
    }
    InterfacePriority => InterfacePriority { name, priority }
    MemoryResources => Memory {
        limit, reservation, swap, swappiness, disable_oom_killer, check_before_update, kernel_tcp, use_hierarchy,
    }
    NetworkResources => Network { class_id, priorities }
    RdmaLimits => Rdma { hca_handles, hca_objects }
    RdtResources => IntelRdt {
        clos_id, schemata, l3_cache_schema, mem_bw_schema, enable_monitoring, enable_cmt, enable_mbm,
    }
    ThrottleDevice => ThrottleDevice { major, minor, rate }
}

pub(super) fn resources(message: pb::ResourceOptions, wrong: &mut Violations) -> Resources {
    let pids = |limit| Pids { limit: Some(limit), ..Pids::default() };
    Resources {
        devices: Vec::new(),
        memory: message.memory.convert(),
        cpu: message.cpu.convert(),
        pids: message.pids_limit.map(pids),
        block_io: message.block_io.map(|message| block_io(message, wrong)),
        hugepage_limits: hugepage_limits(message.hugepage_limits, wrong),
        network: message.network.convert(),
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
    BlockIo {
        weight: weight(message.weight, &format!("{FIELD}.weight"), wrong),
        leaf_weight: weight(message.leaf_weight, &format!("{FIELD}.leaf_weight"), wrong),
        weight_device,
        throttle_read_bps_device: message.throttle_read_bps_device.convert(),
        throttle_write_bps_device: message.throttle_write_bps_device.convert(),
        throttle_read_iops_device: message.throttle_read_iops_device.convert(),
        throttle_write_iops_device: message.throttle_write_iops_device.convert(),
        ..BlockIo::default()
    }
}

/// A weight, which the runtime spec holds in 16 bits.
fn weight(weight: Option<u32>, field: &str, wrong: &mut Violations) -> Option<u16> {
    wrong.keep(field, u16::try_from(weight?).map_err(|_| "must be 10 to 1000"))
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
    limits.convert()
}
