//! The fields of a runtime spec 1.3 and what each holds, without those of other systems than Linux.
//!
//! What is not here is no error: a newer spec has more.

use super::shape::Field;
use super::shape::Kind::{Bool, I32, I64, List, Map, Object, Text, U16, U32, U64};
use super::shape::{may, must};

const BOX: &[Field] = &[may("height", U64), may("width", U64)];

const USER: &[Field] = &[
    may("uid", U32),
    may("gid", U32),
    may("umask", U32),
    may("additionalGids", List(&U32)),
    may("username", Text),
];

const CAPABILITIES: &[Field] = &[
    may("bounding", List(&Text)),
    may("effective", List(&Text)),
    may("inheritable", List(&Text)),
    may("permitted", List(&Text)),
    may("ambient", List(&Text)),
];

const POSIX_RLIMIT: &[Field] = &[may("type", Text), may("hard", U64), may("soft", U64)];

const SCHEDULER: &[Field] = &[
    may("policy", Text),
    may("nice", I32),
    may("priority", I32),
    may("flags", List(&Text)),
    may("runtime", U64),
    may("deadline", U64),
    may("period", U64),
];

const IO_PRIORITY: &[Field] = &[may("class", Text), may("priority", I64)];

const CPU_AFFINITY: &[Field] = &[may("initial", Text), may("final", Text)];

const PROCESS: &[Field] = &[
    may("terminal", Bool),
    may("consoleSize", Object(BOX)),
    may("user", Object(USER)),
    may("args", List(&Text)),
    may("commandLine", Text),
    may("env", List(&Text)),
    may("cwd", Text),
    may("capabilities", Object(CAPABILITIES)),
    may("rlimits", List(&Object(POSIX_RLIMIT))),
    may("noNewPrivileges", Bool),
    may("apparmorProfile", Text),
    may("oomScoreAdj", I64),
    may("scheduler", Object(SCHEDULER)),
    may("selinuxLabel", Text),
    may("ioPriority", Object(IO_PRIORITY)),
    may("execCPUAffinity", Object(CPU_AFFINITY)),
];

const ROOT: &[Field] = &[must("path", Text), may("readonly", Bool)];

const ID_MAPPING: &[Field] = &[may("containerID", U32), may("hostID", U32), may("size", U32)];

const MOUNT: &[Field] = &[
    must("destination", Text),
    may("type", Text),
    may("source", Text),
    may("options", List(&Text)),
    may("uidMappings", List(&Object(ID_MAPPING))),
    may("gidMappings", List(&Object(ID_MAPPING))),
];

const HOOK: &[Field] =
    &[must("path", Text), may("args", List(&Text)), may("env", List(&Text)), may("timeout", I64)];

const HOOKS: &[Field] = &[
    may("prestart", List(&Object(HOOK))),
    may("createRuntime", List(&Object(HOOK))),
    may("createContainer", List(&Object(HOOK))),
    may("startContainer", List(&Object(HOOK))),
    may("poststart", List(&Object(HOOK))),
    may("poststop", List(&Object(HOOK))),
];

const DEVICE_CGROUP: &[Field] = &[
    may("allow", Bool),
    may("type", Text),
    may("major", I64),
    may("minor", I64),
    may("access", Text),
];

const MEMORY: &[Field] = &[
    may("limit", I64),
    may("reservation", I64),
    may("swap", I64),
    may("kernel", I64),
    may("kernelTCP", I64),
    may("swappiness", U64),
    may("disableOOMKiller", Bool),
    may("useHierarchy", Bool),
    may("checkBeforeUpdate", Bool),
];

const CPU: &[Field] = &[
    may("shares", U64),
    may("quota", I64),
    may("burst", U64),
    may("period", U64),
    may("realtimeRuntime", I64),
    may("realtimePeriod", U64),
    may("cpus", Text),
    may("mems", Text),
    may("idle", I64),
];

const PIDS: &[Field] = &[may("limit", I64)];

const WEIGHT_DEVICE: &[Field] =
    &[may("major", I64), may("minor", I64), may("weight", U16), may("leafWeight", U16)];

const THROTTLE_DEVICE: &[Field] = &[may("major", I64), may("minor", I64), may("rate", U64)];

const BLOCK_IO: &[Field] = &[
    may("weight", U16),
    may("leafWeight", U16),
    may("weightDevice", List(&Object(WEIGHT_DEVICE))),
    may("throttleReadBpsDevice", List(&Object(THROTTLE_DEVICE))),
    may("throttleWriteBpsDevice", List(&Object(THROTTLE_DEVICE))),
    may("throttleReadIOPSDevice", List(&Object(THROTTLE_DEVICE))),
    may("throttleWriteIOPSDevice", List(&Object(THROTTLE_DEVICE))),
];

const HUGEPAGE_LIMIT: &[Field] = &[must("pageSize", Text), may("limit", U64)];

const INTERFACE_PRIORITY: &[Field] = &[must("name", Text), may("priority", U32)];

const NETWORK: &[Field] =
    &[may("classID", U32), may("priorities", List(&Object(INTERFACE_PRIORITY)))];

const RDMA: &[Field] = &[may("hcaHandles", U32), may("hcaObjects", U32)];

const RESOURCES: &[Field] = &[
    may("devices", List(&Object(DEVICE_CGROUP))),
    may("memory", Object(MEMORY)),
    may("cpu", Object(CPU)),
    may("pids", Object(PIDS)),
    may("blockIO", Object(BLOCK_IO)),
    may("hugepageLimits", List(&Object(HUGEPAGE_LIMIT))),
    may("network", Object(NETWORK)),
    may("rdma", Map(&Object(RDMA))),
    may("unified", Map(&Text)),
];

const NAMESPACE: &[Field] = &[may("type", Text), may("path", Text)];

const DEVICE: &[Field] = &[
    must("path", Text),
    may("type", Text),
    may("major", I64),
    may("minor", I64),
    may("fileMode", U32),
    may("uid", U32),
    may("gid", U32),
];

const NET_DEVICE: &[Field] = &[may("name", Text)];

const SECCOMP_ARG: &[Field] =
    &[may("index", U64), may("value", U64), may("valueTwo", U64), may("op", Text)];

const SYSCALL: &[Field] = &[
    may("names", List(&Text)),
    may("action", Text),
    may("errnoRet", U64),
    may("args", List(&Object(SECCOMP_ARG))),
];

const SECCOMP: &[Field] = &[
    may("defaultAction", Text),
    may("defaultErrnoRet", U64),
    may("architectures", List(&Text)),
    may("flags", List(&Text)),
    may("listenerPath", Text),
    may("listenerMetadata", Text),
    may("syscalls", List(&Object(SYSCALL))),
];

const INTEL_RDT: &[Field] = &[
    may("closID", Text),
    may("schemata", List(&Text)),
    may("l3CacheSchema", Text),
    may("memBwSchema", Text),
    may("enableMonitoring", Bool),
];

const MEMORY_POLICY: &[Field] = &[may("mode", Text), may("nodes", Text), may("flags", List(&Text))];

const PERSONALITY: &[Field] = &[may("domain", Text), may("flags", List(&Text))];

const TIME_OFFSET: &[Field] = &[may("secs", I64), may("nanosecs", U32)];

const LINUX: &[Field] = &[
    may("uidMappings", List(&Object(ID_MAPPING))),
    may("gidMappings", List(&Object(ID_MAPPING))),
    may("sysctl", Map(&Text)),
    may("resources", Object(RESOURCES)),
    may("cgroupsPath", Text),
    may("namespaces", List(&Object(NAMESPACE))),
    may("devices", List(&Object(DEVICE))),
    may("netDevices", Map(&Object(NET_DEVICE))),
    may("seccomp", Object(SECCOMP)),
    may("rootfsPropagation", Text),
    may("maskedPaths", List(&Text)),
    may("readonlyPaths", List(&Text)),
    may("mountLabel", Text),
    may("intelRdt", Object(INTEL_RDT)),
    may("memoryPolicy", Object(MEMORY_POLICY)),
    may("personality", Object(PERSONALITY)),
    may("timeOffsets", Map(&Object(TIME_OFFSET))),
];

pub(super) const SPEC: &[Field] = &[
    may("ociVersion", Text),
    may("process", Object(PROCESS)),
    may("root", Object(ROOT)),
    may("hostname", Text),
    may("domainname", Text),
    may("mounts", List(&Object(MOUNT))),
    may("hooks", Object(HOOKS)),
    may("annotations", Map(&Text)),
    may("linux", Object(LINUX)),
];
