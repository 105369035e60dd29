//! What is specific to Linux: namespaces, devices, security.

use crate::oci::{EncodedOnce, Resources, Seccomp, object};
use std::collections::BTreeMap;

object! {
    /// The Linux section.
    Linux {
        uid_mappings: Vec<IdMapping> = "uidMappings",
        gid_mappings: Vec<IdMapping> = "gidMappings",
        sysctl: BTreeMap<String, String> = "sysctl",
        resources: Option<EncodedOnce<Resources>> = "resources",
        cgroups_path: String = "cgroupsPath",
        namespaces: EncodedOnce<Vec<LinuxNamespace>> = "namespaces",
        devices: Vec<Device> = "devices",
        /// By the name on the host.
        net_devices: BTreeMap<String, NetDevice> = "netDevices",
        seccomp: Option<EncodedOnce<Seccomp>> = "seccomp",
        rootfs_propagation: String = "rootfsPropagation",
        masked_paths: EncodedOnce<Vec<String>> = "maskedPaths",
        readonly_paths: EncodedOnce<Vec<String>> = "readonlyPaths",
        mount_label: String = "mountLabel",
        intel_rdt: Option<IntelRdt> = "intelRdt",
        memory_policy: Option<MemoryPolicy> = "memoryPolicy",
        personality: Option<Personality> = "personality",
        /// By the clock.
        time_offsets: BTreeMap<String, TimeOffset> = "timeOffsets",
    }

    /// A range of ids inside a user namespace, and the range outside that it stands for.
    IdMapping {
        container_id: u32 = "containerID" (always),
        host_id: u32 = "hostID" (always),
        size: u32 = "size" (always),
    }

    /// A namespace: a new one, or the one at a path.
    LinuxNamespace {
        kind: String = "type" (always),
        path: String = "path",
    }

    /// A device node.
    Device {
        path: String = "path" (always),
        kind: String = "type" (always),
        major: i64 = "major" (always),
        minor: i64 = "minor" (always),
        file_mode: Option<u32> = "fileMode",
        uid: Option<u32> = "uid",
        gid: Option<u32> = "gid",
    }

    /// A network device that is moved into the container.
    NetDevice {
        /// The name in the container; empty for the same name.
        name: String = "name",
    }

    /// Cache and memory bandwidth (resctrl).
    IntelRdt {
        clos_id: String = "closID",
        schemata: Vec<String> = "schemata",
        l3_cache_schema: String = "l3CacheSchema",
        mem_bw_schema: String = "memBwSchema",
        /// Until the runtime spec 1.2.
        enable_cmt: bool = "enableCMT",
        /// Until the runtime spec 1.2.
        enable_mbm: bool = "enableMBM",
        enable_monitoring: bool = "enableMonitoring",
    }

    /// The memory nodes that memory is allocated on: `set_mempolicy(2)`.
    MemoryPolicy {
        mode: String = "mode" (always),
        nodes: String = "nodes" (always),
        flags: Vec<String> = "flags",
    }

    /// The execution domain: `personality(2)`.
    Personality {
        domain: String = "domain" (always),
        flags: Vec<String> = "flags",
    }

    /// The offset of a clock in a time namespace.
    TimeOffset {
        secs: i64 = "secs",
        nanosecs: u32 = "nanosecs",
    }
}
