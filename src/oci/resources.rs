//! Resource limits: control groups.

use crate::oci::object;
use std::collections::BTreeMap;

object! {
    /// The limits of a container. What is absent is not limited, or stays as it is in an update.
    Resources {
        devices: Vec<DeviceRule> = "devices",
        memory: Option<Memory> = "memory",
        cpu: Option<Cpu> = "cpu",
        pids: Option<Pids> = "pids",
        block_io: Option<BlockIo> = "blockIO",
        hugepage_limits: Vec<HugepageLimit> = "hugepageLimits",
        network: Option<Network> = "network",
        /// By the RDMA device.
        rdma: BTreeMap<String, Rdma> = "rdma",
        /// Files of cgroup v2 and what is written to them.
        unified: BTreeMap<String, String> = "unified",
    }

    /// A rule of the device controller.
    DeviceRule {
        allow: bool = "allow" (always),
        /// `a`, `b`, `c`, or empty for all.
        kind: String = "type",
        major: Option<i64> = "major",
        minor: Option<i64> = "minor",
        /// Letters of `rwm`.
        access: String = "access",
    }

    /// Limits of memory, in bytes; -1 is no limit.
    Memory {
        limit: Option<i64> = "limit",
        reservation: Option<i64> = "reservation",
        swap: Option<i64> = "swap",
        kernel: Option<i64> = "kernel",
        kernel_tcp: Option<i64> = "kernelTCP",
        swappiness: Option<u64> = "swappiness",
        disable_oom_killer: Option<bool> = "disableOOMKiller",
        use_hierarchy: Option<bool> = "useHierarchy",
        check_before_update: Option<bool> = "checkBeforeUpdate",
    }

    /// Limits of CPU time, in microseconds.
    Cpu {
        shares: Option<u64> = "shares",
        quota: Option<i64> = "quota",
        burst: Option<u64> = "burst",
        period: Option<u64> = "period",
        realtime_runtime: Option<i64> = "realtimeRuntime",
        realtime_period: Option<u64> = "realtimePeriod",
        cpus: String = "cpus",
        mems: String = "mems",
        idle: Option<i64> = "idle",
    }

    /// The limit of processes and threads.
    Pids {
        limit: Option<i64> = "limit",
    }

    /// Limits of block devices.
    BlockIo {
        weight: Option<u16> = "weight",
        leaf_weight: Option<u16> = "leafWeight",
        weight_device: Vec<WeightDevice> = "weightDevice",
        throttle_read_bps_device: Vec<ThrottleDevice> = "throttleReadBpsDevice",
        throttle_write_bps_device: Vec<ThrottleDevice> = "throttleWriteBpsDevice",
        throttle_read_iops_device: Vec<ThrottleDevice> = "throttleReadIOPSDevice",
        throttle_write_iops_device: Vec<ThrottleDevice> = "throttleWriteIOPSDevice",
    }

    /// The weight of one block device.
    WeightDevice {
        major: i64 = "major" (always),
        minor: i64 = "minor" (always),
        weight: Option<u16> = "weight",
        leaf_weight: Option<u16> = "leafWeight",
    }

    /// The rate of one block device, in bytes or operations a second.
    ThrottleDevice {
        major: i64 = "major" (always),
        minor: i64 = "minor" (always),
        rate: u64 = "rate" (always),
    }

    /// The limit of huge pages of one size, in bytes.
    HugepageLimit {
        page_size: String = "pageSize" (always),
        limit: u64 = "limit" (always),
    }

    /// Marks of outgoing packets.
    Network {
        class_id: Option<u32> = "classID",
        priorities: Vec<InterfacePriority> = "priorities",
    }

    /// The priority of packets on one interface.
    InterfacePriority {
        name: String = "name" (always),
        priority: u32 = "priority" (always),
    }

    /// Limits of one RDMA device.
    Rdma {
        hca_handles: Option<u32> = "hcaHandles",
        hca_objects: Option<u32> = "hcaObjects",
    }
}
