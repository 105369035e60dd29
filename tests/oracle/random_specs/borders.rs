//! What is changed in a spec: values at the limits of the rules and beyond, and what makes objects of them.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use serde_json::{Map, Value, json};

/// A list of JSON values.
macro_rules! values {
    ($($tokens:tt)*) => {{
        let Value::Array(values) = json!([$($tokens)*]) else { unreachable!() };
        values
    }};
}

/// A value for a place.
///
/// In the place, `?` is any element of a list and `-` a new one; objects and lists on the way are made where they are
/// absent. The value `null` removes what is there.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) place: &'static str,
    pub(crate) value: Value,
    /// Decides which element.
    pub(crate) any: Index,
}

/// A few changes.
pub(crate) fn changes() -> BoxedStrategy<Vec<Change>> {
    let one = (0..PLACES.len()).prop_flat_map(|at| {
        let (place, values) = PLACES[at];
        (values(), any::<Index>()).prop_map(move |(value, any)| Change { place, value, any })
    });
    vec(one, 0..4).boxed()
}

/// A place that is changed, with the values that it gets.
type Border = (&'static str, fn() -> BoxedStrategy<Value>);

/// Every place that is changed.
const PLACES: &[Border] = &[
    ("/ociVersion", || {
        one(values!["1.0.0", "1.0.2", "1.1.0", "1.2.1", "1.3.0", "2.0.0", "0.9.0", "", "x", null])
    }),
    ("/process", || one(values![null])),
    ("/process/user/uid", || one(ids())),
    ("/process/user/gid", || one(ids())),
    ("/process/user/additionalGids", || {
        let full: Vec<u32> = (0..65_536).collect();
        let over: Vec<u32> = (0..65_537).collect();
        prop_oneof![9 => vec(select(ids()), 0..3).prop_map(Value::Array), 1 => one(values![full, over])].boxed()
    }),
    ("/process/user/umask", || one(values![0, 0o22, 0o777, 0o1000, null])),
    ("/process/args", || {
        one(values![null, [], [""], ["/bin/true", "a\0b"], ["/bin/true", ""], ["true"]])
    }),
    ("/process/args/1", || text_sizes(131_071)),
    ("/process/env/-", || one(values!["A=", "=x", "A", "A=\0", "A==", "", "PATH=", "\u{e9}=x"])),
    ("/process/env/-", || text_sizes(131_071)),
    ("/process/env", || one(values![null, []])),
    ("/process/cwd", || {
        one(values![
            "",
            "/",
            "srv",
            "/proc/self/fd/7",
            "/dev/fd/9",
            "/dev/stdin",
            "/dev/shm",
            "/a\0",
            "//",
            "/.",
            "/proc/self/cwd",
            "/proc/self/root/proc/self/fd/8",
            "/tmp/../proc/1",
            "/dev",
            "/proc",
        ])
    }),
    ("/process/capabilities", || one(values![null, {}])),
    ("/process/capabilities/bounding", capabilities),
    ("/process/capabilities/effective", capabilities),
    ("/process/capabilities/permitted", capabilities),
    ("/process/capabilities/inheritable", capabilities),
    ("/process/capabilities/ambient", capabilities),
    ("/process/rlimits/-", || {
        let kinds = values![
            "RLIMIT_AS",
            "RLIMIT_CORE",
            "RLIMIT_CPU",
            "RLIMIT_DATA",
            "RLIMIT_FSIZE",
            "RLIMIT_LOCKS",
            "RLIMIT_MEMLOCK",
            "RLIMIT_MSGQUEUE",
            "RLIMIT_NICE",
            "RLIMIT_NOFILE",
            "RLIMIT_NPROC",
            "RLIMIT_RSS",
            "RLIMIT_RTPRIO",
            "RLIMIT_RTTIME",
            "RLIMIT_SIGPENDING",
            "RLIMIT_STACK",
            "RLIMIT_X",
            "NOFILE",
            "",
        ];
        let numbers = || {
            values![
                0,
                1,
                1024,
                4096,
                1_073_741_824,
                9_223_372_036_854_775_807_u64,
                18_446_744_073_709_551_615_u64
            ]
        };
        object(vec![("type", kinds), ("soft", numbers()), ("hard", numbers())], 95)
    }),
    ("/process/rlimits/?", || one(values![null])),
    ("/process/noNewPrivileges", || one(values![true, false])),
    ("/process/oomScoreAdj", || one(values![-1001, -1000, -1, 0, 999, 1000, 1001])),
    ("/process/scheduler", || {
        let policies = values![
            "SCHED_OTHER",
            "SCHED_FIFO",
            "SCHED_RR",
            "SCHED_BATCH",
            "SCHED_ISO",
            "SCHED_IDLE",
            "SCHED_DEADLINE",
            "SCHED_X",
            "",
        ];
        let flags = values![
            [],
            ["SCHED_FLAG_RESET_ON_FORK"],
            ["SCHED_FLAG_RECLAIM"],
            ["SCHED_FLAG_DL_OVERRUN"],
            ["SCHED_FLAG_KEEP_POLICY"],
            ["SCHED_FLAG_KEEP_PARAMS"],
            ["SCHED_FLAG_KEEP_POLICY", "SCHED_FLAG_KEEP_PARAMS"],
            ["SCHED_FLAG_UTIL_CLAMP_MIN"],
            ["SCHED_FLAG_UTIL_CLAMP_MAX"],
            ["X"],
        ];
        let times = || {
            values![
                0,
                1,
                1023,
                1024,
                100_000,
                1_000_000,
                10_000_000,
                1_073_741_824,
                5_000_000_000_u64
            ]
        };
        let full = object(
            vec![
                ("policy", policies.clone()),
                ("nice", values![-21, -20, 0, 19, 20]),
                ("priority", values![-1, 0, 1, 99, 100]),
                ("flags", flags.clone()),
                ("runtime", times()),
                ("deadline", times()),
                ("period", times()),
            ],
            50,
        );
        let few = object(vec![("policy", policies), ("flags", flags)], 70);
        let real_time = object(
            vec![
                ("policy", values!["SCHED_FIFO", "SCHED_RR"]),
                ("priority", values![0, 1, 99, 100]),
            ],
            95,
        );
        let deadline = object(
            vec![
                ("policy", values!["SCHED_DEADLINE"]),
                ("runtime", times()),
                ("deadline", times()),
                ("period", times()),
            ],
            95,
        );
        prop_oneof![full, few, real_time, deadline].boxed()
    }),
    ("/process/ioPriority", || {
        let classes = values![
            "IOPRIO_CLASS_RT",
            "IOPRIO_CLASS_BE",
            "IOPRIO_CLASS_IDLE",
            "IOPRIO_CLASS_NONE",
            ""
        ];
        object(vec![("class", classes), ("priority", values![-1, 0, 7, 8])], 90)
    }),
    ("/process/execCPUAffinity", || {
        let lists = || {
            values!["", "0", "0-1", "0-1023", "0-1024", "65535", "65536", "1-0", "x", "0,,1", "all"]
        };
        object(vec![("initial", lists()), ("final", lists())], 60)
    }),
    ("/root", || one(values![null])),
    ("/root/readonly", || one(values![true, false])),
    ("/hostname", names),
    ("/domainname", names),
    ("/mounts", || one(values![null, []])),
    ("/mounts/?", || one(values![null])),
    ("/mounts/-", mount),
    ("/mounts/-", mount),
    ("/mounts/0", mount),
    ("/mounts/?/destination", || one(destinations())),
    ("/mounts/?/type", || {
        one(values![
            "proc", "tmpfs", "sysfs", "bind", "mqueue", "devpts", "cgroup", "none", "", null
        ])
    }),
    ("/mounts/?/source", || one(values!["/tmp", "tmpfs", "", null, "proc"])),
    ("/mounts/?/options", || one(values![null, []])),
    ("/mounts/?/options/-", || one(mount_options())),
    ("/mounts/?/options/-", || one(mount_options())),
    ("/mounts/?/uidMappings", mappings),
    ("/mounts/?/gidMappings", mappings),
    ("/hooks/prestart/-", hook),
    ("/hooks/createRuntime/-", hook),
    ("/hooks/createContainer/-", hook),
    ("/hooks/startContainer/-", hook),
    ("/hooks/poststart/-", hook),
    ("/hooks/poststop/-", hook),
    ("/hooks", || one(values![{}, null])),
    ("/annotations", || one(values![{"": "x"}, {"a": "b"}, {"org.x/y": ""}, null])),
    ("/linux", || one(values![null])),
    ("/linux/namespaces", || one(values![null, []])),
    ("/linux/namespaces/-", || {
        let paths = values!["", "net", "OTHER", "OTHER"];
        object(vec![("type", kinds()), ("path", paths)], 60)
    }),
    ("/linux/namespaces/?", || one(values![null])),
    ("/linux/namespaces/?", || one(values![null])),
    ("/linux/namespaces/?/path", || one(values!["OTHER", "", "ns/net"])),
    ("/linux/namespaces/-", || one(values![{"type": "user"}])),
    ("USER", user_namespace),
    ("USER", user_namespace),
    ("/linux/uidMappings", mappings),
    ("/linux/gidMappings", mappings),
    ("/linux/timeOffsets", || {
        let offset = || {
            values![
                {}, {"secs": 1}, {"secs": -1}, {"secs": 1, "nanosecs": 999_999_999}, {"nanosecs": 1_000_000_000},
                {"secs": 9_223_372_036_854_775_807_i64}, {"secs": -9_223_372_036_854_775_808_i64}, {"secs": 9_223_372_036_i64},
            ]
        };
        object(vec![("monotonic", offset()), ("boottime", offset()), ("realtime", offset())], 30)
    }),
    ("TIME", || {
        let offset = || {
            values![
                {}, {"secs": 1}, {"secs": -1}, {"secs": -100_000_000}, {"secs": 1, "nanosecs": 999_999_999},
                {"secs": 9_223_372_036_854_775_807_i64}, {"secs": 4_611_686_018_i64}, {"secs": 9_223_372_036_i64},
            ]
        };
        object(vec![("monotonic", offset()), ("boottime", offset())], 60)
    }),
    ("/linux/netDevices", || {
        one(values![null, {}, {"lo": {}}, {"lo": {"name": "x"}}, {"eth:0": {}}, {"": {}}])
    }),
    ("/linux/sysctl", || one(values![null, {}])),
    ("/linux/sysctl", || {
        let ranges = values!["0 2147483647", "0 9", "5 0", "9", "0 x", "x", "", "0 65536 x"];
        object(
            [
                "net.ipv4.ip_forward",
                "net/ipv4/ip_forward",
                "net.core.somaxconn",
                "kernel.shmmax",
                "kernel.msgmax",
                "kernel/sem",
                "fs.mqueue.msg_max",
                "fs.mqueue.nosuch",
                "kernel.domainname",
                "kernel.hostname",
                "kernel.ostype",
                "vm.swappiness",
                "a b",
                "",
                "user.max_user_namespaces",
                "net.",
                "net",
                "kernel.shm_rmid_forced",
                "net.ipv4.conf.lo.forwarding",
                "net.ipv4/conf",
                "net..ipv4",
                "kernel.shmmnix",
                "net.ipv4.conf",
                "net.ipv6.conf.all.forwarding",
            ]
            .map(|name| (name, values!["1"]))
            .into_iter()
            .chain([("net.ipv4.ping_group_range", ranges)])
            .collect(),
            6,
        )
    }),
    ("/linux/resources", || one(values![null, {}])),
    ("/linux/resources/devices", || one(values![null, []])),
    ("/linux/resources/devices/-", || {
        let numbers = || values![-2, -1, 0, 1, 3, 255, 4_294_967_295_u32, 4_294_967_296_u64];
        object(
            vec![
                ("allow", values![true, false]),
                ("type", values!["a", "b", "c", "u", "p", "", "x"]),
                ("major", numbers()),
                ("minor", numbers()),
                ("access", values!["rwm", "r", "", "x", "rr", "rwmx"]),
            ],
            75,
        )
    }),
    ("/linux/resources/memory", || {
        let amounts = || {
            values![
                -2,
                -1,
                0,
                1,
                4095,
                16_777_216,
                104_857_600,
                1_073_741_824,
                9_223_372_036_854_775_807_i64,
            ]
        };
        object(
            vec![
                ("limit", amounts()),
                ("reservation", amounts()),
                ("swap", amounts()),
                ("kernel", amounts()),
                ("kernelTCP", amounts()),
                ("swappiness", values![0, 60, 100, 101, 200, 18_446_744_073_709_551_615_u64]),
                ("disableOOMKiller", values![true, false]),
                ("useHierarchy", values![true, false]),
                ("checkBeforeUpdate", values![true, false]),
            ],
            30,
        )
    }),
    ("/linux/resources/cpu", || {
        let lists = || values!["", "0", "0-1", "0,1", "1-0", "x", "0-", "all", "4096", "0-1:1/2"];
        object(
            vec![
                (
                    "shares",
                    values![0, 1, 2, 1024, 262_144, 262_145, 18_446_744_073_709_551_615_u64],
                ),
                ("quota", values![-2, -1, 0, 999, 1000, 50_000, 9_223_372_036_854_775_807_i64]),
                ("burst", values![0, 1, 999, 1000, 50_000, 50_001]),
                (
                    "period",
                    values![
                        0,
                        999,
                        1000,
                        100_000,
                        1_000_000,
                        1_000_001,
                        18_446_744_073_709_551_615_u64
                    ],
                ),
                ("realtimeRuntime", values![-2, -1, 0, 1, 950_000, 1_000_000, 1_000_001]),
                ("realtimePeriod", values![0, 1, 1_000_000, 18_446_744_073_709_551_615_u64]),
                ("cpus", lists()),
                ("mems", lists()),
                ("idle", values![-1, 0, 1, 2]),
            ],
            25,
        )
    }),
    ("/linux/resources/pids", || {
        object(
            vec![(
                "limit",
                values![
                    -2,
                    -1,
                    0,
                    100,
                    4_194_303,
                    4_194_304,
                    4_194_305,
                    9_223_372_036_854_775_807_i64
                ],
            )],
            90,
        )
    }),
    ("/linux/resources/blockIO", || {
        let weights = || values![0, 9, 10, 500, 1000, 1001, 65_535];
        let devices = || {
            let weighted = |weight: u32| json!([{"major": 8, "minor": 0, "weight": weight}]);
            [0, 9, 10, 1000, 1001].map(weighted).to_vec()
        };
        let rates = || {
            values![
                [{"major": 8, "minor": 0, "rate": 0}], [{"major": 8, "minor": 0, "rate": 1}],
                [{"major": 8, "minor": 0, "rate": 18_446_744_073_709_551_615_u64}], [{"major": -1, "minor": 0, "rate": 1}],
            ]
        };
        object(
            vec![
                ("weight", weights()),
                ("leafWeight", weights()),
                ("weightDevice", devices()),
                ("throttleReadBpsDevice", rates()),
                ("throttleWriteIOPSDevice", rates()),
            ],
            40,
        )
    }),
    ("/linux/resources/hugepageLimits/-", || {
        let sizes = values!["2MB", "1GB", "64KB", "2 MB", "02MB", "2mb", "MB", "", "3MB", "0MB"];
        object(
            vec![("pageSize", sizes), ("limit", values![0, 1, 18_446_744_073_709_551_615_u64])],
            95,
        )
    }),
    ("/linux/resources/network", || {
        let priorities = values![
            [], [{"name": "lo", "priority": 1}], [{"name": "a b", "priority": 1}], [{"name": "", "priority": 1}],
            [{"name": "lo", "priority": 4_294_967_295_u32}],
        ];
        object(vec![("classID", values![0, 1, 4_294_967_295_u32]), ("priorities", priorities)], 60)
    }),
    ("/linux/resources/rdma", || {
        one(
            values![{}, {"mlx5_0": {"hcaHandles": 1}}, {"a b": {"hcaObjects": 1}}, {"": {}}, {"x": {}}],
        )
    }),
    ("/linux/resources/unified", || {
        object(
            [
                "memory.high",
                "memory.max",
                "pids.max",
                "cpu.weight",
                "cgroup.max.depth",
                "memory",
                "a/b.c",
                "nosuch.file",
                "memory.nosuch",
                "",
                ".",
                "memory.",
                "cgroup.procs",
                "memory..high",
            ]
            .map(|name| (name, values!["max", "100", "x"]))
            .to_vec(),
            12,
        )
    }),
    ("/linux/devices/-", || {
        let paths = values![
            "/dev/x",
            "/dev/null",
            "dev/x",
            "/x/y",
            "/dev/pts/x",
            "/dev/sub/x",
            "",
            "/dev/",
            "/",
            "/dev/../x",
            "/dev/ptmx",
            "/dev/fd",
            "/proc/x",
        ];
        let numbers = || {
            values![
                -1,
                0,
                1,
                3,
                255,
                4095,
                4096,
                1_048_575,
                1_048_576,
                4_294_967_295_u32,
                4_294_967_296_u64
            ]
        };
        object(
            vec![
                ("path", paths),
                ("type", values!["c", "b", "u", "p", "a", "z", ""]),
                ("major", numbers()),
                ("minor", numbers()),
                ("fileMode", values![0, 0o600, 0o777, 0o1666, 0o10666, 4_294_967_295_u32]),
                ("uid", ids()),
                ("gid", ids()),
            ],
            80,
        )
    }),
    ("/linux/devices/?", || one(values![null])),
    ("/linux/devices/-", || {
        object(
            vec![
                ("path", values!["/dev/x", "/dev/y", "/dev/z/z", "/dev/null"]),
                ("type", values!["c", "b", "p", "p"]),
                ("major", values![0, 1]),
                ("minor", values![0, 3]),
            ],
            100,
        )
    }),
    ("/linux/seccomp", || {
        one(
            values![null, {}, {"defaultAction": ""}, {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": []}]}],
        )
    }),
    ("/linux/seccomp", filter),
    ("/linux/seccomp", filter),
    ("/linux/maskedPaths", hidden_paths),
    ("/linux/readonlyPaths", hidden_paths),
    ("/linux/rootfsPropagation", || {
        one(values![
            "private",
            "rprivate",
            "slave",
            "rslave",
            "shared",
            "rshared",
            "unbindable",
            "runbindable",
            "",
            "x",
            "Private",
        ])
    }),
    ("/linux/personality", || {
        object(
            vec![
                ("domain", values!["LINUX", "LINUX32", "X", "linux", ""]),
                ("flags", values![[], ["X"]]),
            ],
            80,
        )
    }),
    ("/linux/memoryPolicy", || {
        let modes = values![
            "MPOL_DEFAULT",
            "MPOL_BIND",
            "MPOL_INTERLEAVE",
            "MPOL_WEIGHTED_INTERLEAVE",
            "MPOL_PREFERRED",
            "MPOL_PREFERRED_MANY",
            "MPOL_LOCAL",
            "MPOL_X",
            "",
        ];
        let flags = values![
            [],
            ["MPOL_F_STATIC_NODES"],
            ["MPOL_F_RELATIVE_NODES"],
            ["MPOL_F_NUMA_BALANCING"],
            ["X"],
            ["MPOL_F_STATIC_NODES", "MPOL_F_RELATIVE_NODES"],
            ["MPOL_F_NUMA_BALANCING", "MPOL_F_STATIC_NODES"],
        ];
        object(
            vec![
                ("mode", modes),
                ("nodes", values!["0", "", "0-1", "x", "1023", "1024", "0,"]),
                ("flags", flags),
            ],
            70,
        )
    }),
    ("/linux/intelRdt", || one(values![null])),
    ("ANY", odd),
    ("ANY", odd),
];

/// What any place may get.
fn odd() -> BoxedStrategy<Value> {
    one(values![
        null,
        -1,
        0,
        1,
        1.5,
        2_147_483_648_u32,
        4_294_967_296_u64,
        18_446_744_073_709_551_615_u64,
        "",
        "x",
        "a\0b",
        true,
        [],
        {},
        [""],
        "\u{7f}",
        "x y",
    ])
}

fn one(values: Vec<Value>) -> BoxedStrategy<Value> {
    select(values).boxed()
}

fn texts(texts: &[&str]) -> Vec<Value> {
    texts.iter().map(|text| Value::from(*text)).collect()
}

/// An object with each of the fields in so many of a hundred cases.
fn object(fields: Vec<(&'static str, Vec<Value>)>, percent: u32) -> BoxedStrategy<Value> {
    let fields: Vec<_> = fields
        .into_iter()
        .map(|(name, values)| {
            let field = select(values).prop_map(move |value| (name.to_owned(), value));
            prop_oneof![percent => field.prop_map(Some), 100 - percent.min(99) => Just(None)]
        })
        .collect();
    fields
        .prop_map(|fields| Value::Object(fields.into_iter().flatten().collect::<Map<_, _>>()))
        .boxed()
}

/// A text of so many bytes, and of one more.
fn text_sizes(most: usize) -> BoxedStrategy<Value> {
    let text = |bytes: usize| json!(format!("A={}", "x".repeat(bytes - 2)));
    one(vec![text(most), text(most + 1)])
}

fn ids() -> Vec<Value> {
    values![
        0,
        1,
        5,
        9,
        10,
        65_535,
        65_536,
        2_147_483_647,
        2_147_483_648_u32,
        4_294_967_294_u32,
        4_294_967_295_u32,
    ]
}

fn names() -> BoxedStrategy<Value> {
    one(values![
        "h",
        "",
        "h".repeat(63),
        "h".repeat(64),
        "h".repeat(65),
        "a b",
        "a\0b",
        "\u{e9}",
        null
    ])
}

fn capabilities() -> BoxedStrategy<Value> {
    let names =
        vec!["CAP_CHOWN", "CAP_KILL", "CAP_SYS_ADMIN", "CAP_BPF", "CAP_X", "cap_chown", "ALL"];
    prop_oneof![4 => subsequence(names, 0..4).prop_map(Value::from), 1 => one(values![null])]
        .boxed()
}

fn kinds() -> Vec<Value> {
    values!["pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time", "x", ""]
}

fn destinations() -> Vec<Value> {
    texts(&[
        "/",
        "",
        "data",
        "/data",
        "/data/sub",
        "/proc",
        "/proc/",
        "/proc/sys",
        "/proc/cpuinfo",
        "/proc/uptime",
        "/dev",
        "/dev/pts",
        "/dev/shm",
        "/dev/mqueue",
        "/dev/null",
        "/sys",
        "/sys/fs/cgroup",
        "/a b",
        "/../x",
        "/./data",
        "//data//",
        "/data\0",
        "/bin",
        "/run",
        "/tmp",
        "/.",
    ])
}

fn mount_options() -> Vec<Value> {
    texts(&[
        "ro",
        "rw",
        "bind",
        "rbind",
        "nosuid",
        "nodev",
        "noexec",
        "rro",
        "rnosuid",
        "private",
        "rslave",
        "rshared",
        "unbindable",
        "relatime",
        "strictatime",
        "remount",
        "tmpcopyup",
        "idmap",
        "ridmap",
        "size=1m",
        "size=0",
        "size=x",
        "size=-1",
        "size=50%",
        "mode=1777",
        "mode=8",
        "mode=",
        "uid=0",
        "uid=5",
        "uid=50",
        "uid=65536",
        "gid=5",
        "gid=50",
        "gid=4294967295",
        "gid=x",
        "newinstance",
        "ptmxmode=0666",
        "x",
        "",
        "nr_inodes=10",
        "nr_inodes=x",
        "sync",
        "dirsync",
        "defaults",
        "copy-symlink",
        "lazytime",
        "hidepid=2",
        "hidepid=9",
        "size=1k\0",
        "mpol=bind",
        "noswap",
        "huge=always",
        "silent",
        "mand",
        "iversion",
        "nosymfollow",
        "acl",
        "noacl",
        "user",
        "auto",
        "nofail",
        "_netdev",
        "norelatime",
        "context=x",
    ])
}

fn mount() -> BoxedStrategy<Value> {
    let kinds = values![
        "tmpfs", "tmpfs", "bind", "none", "proc", "sysfs", "mqueue", "devpts", "cgroup", "",
        "ramfs"
    ];
    let sources = values!["/tmp", "tmpfs", "/etc/hosts", ""];
    let few = vec(select(mount_options()), 0..4).prop_map(Value::Array);
    let any = (
        object(vec![("destination", destinations()), ("type", kinds), ("source", sources)], 95),
        few,
    )
        .prop_map(|(mut mount, options)| {
            mount["options"] = options;
            mount
        });
    let binds = (
        select(destinations()),
        select(values!["/tmp", "/etc/hosts"]),
        select(values!["bind", "rbind"]),
        select(mount_options()),
    );
    let bind = binds.prop_map(|(destination, source, bind, option)| {
        json!({"destination": destination, "source": source, "options": [bind, option]})
    });
    let usual = select(values![
        {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
        {"destination": "/data", "type": "proc", "source": "proc"},
        {"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue"},
        {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["ro"]},
        {"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["newinstance", "gid=5", "mode=0620"]},
        {"destination": "/proc", "type": "bind", "source": "/proc", "options": ["rbind"]},
        {"destination": "/sys", "type": "bind", "source": "/sys", "options": ["rbind", "ro"]},
        {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["ro"]},
        {"destination": "/data", "type": "tmpfs", "source": "tmpfs", "options": ["ro", "size=1m"]}
    ]);
    prop_oneof![2 => any, 2 => bind, 1 => usual].boxed()
}

fn mapping() -> BoxedStrategy<Value> {
    let inside = values![0, 1, 5, 10, 4_294_967_294_u32, 4_294_967_295_u32];
    let outside = values![0, 1000, 100_000, 100_005, 4_294_967_290_u32];
    let sizes = values![0, 1, 5, 6, 10, 65_536, 4_294_967_295_u32];
    object(vec![("containerID", inside), ("hostID", outside), ("size", sizes)], 95)
}

fn mappings() -> BoxedStrategy<Value> {
    let many = |count: u32| {
        (0..count)
            .map(|id| json!({"containerID": id, "hostID": 100_000 + id, "size": 1}))
            .collect::<Vec<_>>()
    };
    prop_oneof![
        6 => vec(mapping(), 0..3).prop_map(Value::Array),
        2 => one(vec![json!([{"containerID": 0, "hostID": 100_000, "size": 65_536}])]),
        1 => one(values![null, many(340), many(341)]),
    ]
    .boxed()
}

/// Both lists of a user namespace, most of them good.
fn user_namespace() -> BoxedStrategy<Value> {
    let sizes = select(values![1, 5, 6, 10, 65_536, 70_000]);
    let good = sizes.prop_map(|size| {
        let list = json!([{"containerID": 0, "hostID": 100_000, "size": size}]);
        json!({"uidMappings": list, "gidMappings": list})
    });
    let any = (mappings(), mappings())
        .prop_map(|(users, groups)| json!({"uidMappings": users, "gidMappings": groups}));
    prop_oneof![3 => good, 1 => any].boxed()
}

fn hook() -> BoxedStrategy<Value> {
    object(
        vec![
            (
                "path",
                values!["/bin/true", "/bin/true", "/bin/true", "true", "", "/bin/true\0", "./true"],
            ),
            ("args", values![["true"], [], ["true", ""], ["a\0b"]]),
            ("env", values![[], ["A=b"], ["A"], ["=b"], [""]]),
            ("timeout", values![-1, 0, 1, 5, 2_147_483_647, 9_223_372_036_854_775_807_i64]),
        ],
        70,
    )
}

fn hidden_paths() -> BoxedStrategy<Value> {
    one(values![
        null,
        [],
        ["/proc/kcore"],
        ["proc/kcore"],
        ["/nosuch"],
        ["/etc"],
        ["/proc/\0"],
        [""],
        ["/proc/sys"],
        ["/bin/../proc/keys"],
        ["/proc/kcore", "/proc/kcore"],
        ["/sys/firmware", "/dev/null"],
        ["/dev/null/x"],
    ])
}

/// A filter that lets a container start, or breaks a rule.
fn filter() -> BoxedStrategy<Value> {
    let actions = || {
        values![
            "SCMP_ACT_ALLOW",
            "SCMP_ACT_ALLOW",
            "SCMP_ACT_ALLOW",
            "SCMP_ACT_LOG",
            "SCMP_ACT_NOTIFY",
            "SCMP_ACT_X",
            "",
        ]
    };
    let architectures = values![
        [],
        ["SCMP_ARCH_X86_64"],
        ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
        ["SCMP_ARCH_AARCH64"],
        ["SCMP_ARCH_X"],
        ["SCMP_ARCH_LOONGARCH64"],
        ["SCMP_ARCH_RISCV64"],
        ["SCMP_ARCH_M68K"],
        ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86_64"],
        ["SCMP_ARCH_PARISC"],
        ["SCMP_ARCH_SH"],
        ["SCMP_ARCH_SHEB"],
    ];
    let flags = values![
        [],
        ["SECCOMP_FILTER_FLAG_TSYNC"],
        ["SECCOMP_FILTER_FLAG_LOG"],
        ["SECCOMP_FILTER_FLAG_SPEC_ALLOW"],
        ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"],
        ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_LOG"],
        ["X"],
        [""],
    ];
    let numbers = || values![0, 1, 4095, 4096, 65_535, 4_294_967_296_u64];
    let names =
        values![["getcwd"], ["nosuchcall"], [], [""], ["getcwd", "getcwd"], ["uselib", "nosuch"]];
    let call_actions = values![
        "SCMP_ACT_KILL",
        "SCMP_ACT_KILL_PROCESS",
        "SCMP_ACT_KILL_THREAD",
        "SCMP_ACT_TRAP",
        "SCMP_ACT_ERRNO",
        "SCMP_ACT_TRACE",
        "SCMP_ACT_ALLOW",
        "SCMP_ACT_LOG",
        "SCMP_ACT_X",
        "",
    ];
    let argument = object(
        vec![
            ("index", values![0, 5, 6]),
            ("value", values![0, 1, 18_446_744_073_709_551_615_u64]),
            ("valueTwo", values![0, 1]),
            (
                "op",
                values![
                    "SCMP_CMP_NE",
                    "SCMP_CMP_LT",
                    "SCMP_CMP_LE",
                    "SCMP_CMP_EQ",
                    "SCMP_CMP_GE",
                    "SCMP_CMP_GT",
                    "SCMP_CMP_MASKED_EQ",
                    "SCMP_CMP_X",
                    "",
                ],
            ),
        ],
        95,
    );
    let call = (
        object(vec![("names", names), ("action", call_actions)], 95),
        prop::option::weighted(0.3, select(numbers())),
        vec(argument, 0..3),
    )
        .prop_map(|(mut call, errno, arguments)| {
            call["args"] = arguments.into();
            if let Some(errno) = errno {
                call["errnoRet"] = errno;
            }
            call
        });
    let whole = object(vec![("architectures", architectures), ("flags", flags)], 50);
    (
        whole,
        select(actions()),
        prop::option::weighted(0.1, select(numbers())),
        vec(call, 0..3),
        any::<bool>(),
    )
        .prop_map(|(mut filter, action, errno, calls, listens)| {
            filter["defaultAction"] = action;
            filter["syscalls"] = calls.into();
            if let Some(errno) = errno {
                filter["defaultErrnoRet"] = errno;
            }
            if listens && filter["defaultAction"] == "SCMP_ACT_NOTIFY" {
                filter["listenerPath"] = json!("/x");
            }
            filter
        })
        .boxed()
}
