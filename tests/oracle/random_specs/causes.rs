//! Refusals with a cause that a spec does not show, each with the reason; and what starts although a rule refuses it.
//!
//! Invariant: a row names both the values of the spec that this machine cannot take and the words of the refusal, so that it
//! excuses nothing else.

use crate::runtimes::adapted::{self, Host};
use crate::runtimes::runtime::{Program, Runtime};
use serde_json::Value;
use specd::domain::sysctl::dotted;
use specd::paths::clean;
use specd::spec::rules::Broken;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

/// Why a runtime refuses a spec that keeps the rules.
struct Cause {
    reason: &'static str,
    /// What the runtime's message contains: one of these.
    messages: &'static [&'static str],
    /// Whether the spec has what this machine cannot take.
    has: fn(&Refused<'_>) -> bool,
}

/// A spec that a runtime refuses.
struct Refused<'a> {
    spec: &'a Value,
    runtime: &'a Runtime,
    host: &'a Host,
    message: &'a str,
}

/// THE list of causes.
const CAUSES: &[Cause] = &[
    Cause {
        reason: "crun 1.8 takes no version of the runtime spec above 1.1",
        messages: &["unknown version specified"],
        has: |it| {
            let version = it.spec["ociVersion"].as_str().unwrap_or_default();
            it.is_crun() && ["1.2", "1.3"].iter().any(|new| version.starts_with(new))
        },
    },
    Cause {
        reason: "this machine has no Intel RDT",
        messages: &[
            "Intel RDT is not enabled",
            "Intel RDT/CAT is not enabled",
            "Intel RDT/MBA is not enabled",
        ],
        has: |it| it.spec["linux"]["intelRdt"].is_object(),
    },
    Cause {
        reason: "this machine has no such network device",
        messages: &["Link not found"],
        has: |it| it.spec["linux"]["netDevices"].as_object().is_some_and(|all| !all.is_empty()),
    },
    Cause {
        reason: "a score below 0 takes CAP_SYS_RESOURCE, which nobody has here",
        messages: &["oom_score_adj: Permission denied", "final child's PID from pipe: EOF"],
        has: |it| {
            let score = it.spec["process"]["oomScoreAdj"].as_i64();
            it.host.withholds("CAP_SYS_RESOURCE") && score.is_some_and(|score| score < 0)
        },
    },
    Cause {
        reason: "a limit above this machine's takes CAP_SYS_RESOURCE, which nobody has here",
        messages: &["setting rlimit type", "setrlimit `RLIMIT_"],
        has: |it| {
            let is_above = |limit: &Value| {
                let own = HARD_LIMITS.get(limit["type"].as_str().unwrap_or_default());
                limit["hard"].as_u64() > own.copied()
            };
            let mut limits = it.list("/process/rlimits");
            it.host.withholds("CAP_SYS_RESOURCE") && limits.any(is_above)
        },
    },
    Cause {
        reason: "this machine does not have all of the CPUs",
        messages: &["cpuset.cpus: "],
        has: |it| names_more_than(&it.spec["linux"]["resources"]["cpu"]["cpus"], "cpu"),
    },
    Cause {
        reason: "this machine does not have all of the memory nodes",
        messages: &["cpuset.mems: "],
        has: |it| names_more_than(&it.spec["linux"]["resources"]["cpu"]["mems"], "node"),
    },
    Cause {
        reason: "the control groups above have no time for realtime scheduling",
        messages: &[
            "cpu.rt_runtime_us: invalid argument",
            "setting scheduler: operation not permitted",
        ],
        has: |it| {
            let runtime = it.spec["linux"]["resources"]["cpu"]["realtimeRuntime"].as_i64();
            let policy = it.spec["process"]["scheduler"]["policy"].as_str();
            runtime.is_some_and(|runtime| runtime != 0)
                || matches!(policy, Some("SCHED_FIFO" | "SCHED_RR"))
        },
    },
    Cause {
        reason: "this machine has no huge pages of the size",
        messages: &["no such file or directory", "No such file or directory"],
        has: |it| {
            let sizes = it.list("/linux/resources/hugepageLimits");
            let mut sizes = sizes.filter_map(|limit| limit["pageSize"].as_str());
            sizes.any(|size| it.message.contains(&format!("hugetlb.{size}.")))
        },
    },
    Cause {
        reason: "crun 1.8 ends where a hook ends before it has read its input",
        messages: &["read from the init process"],
        has: |it| it.is_crun() && it.spec["hooks"].is_object(),
    },
    Cause {
        reason: "a runtime binds the host's device node in a user namespace, and it is not here",
        messages: &["no such file or directory", "No such file or directory"],
        has: |it| {
            let is_user = |namespace: &Value| namespace["type"] == "user";
            let nodes = it.list("/linux/devices").filter_map(|node| node["path"].as_str());
            let mut missing = nodes.filter(|path| !Path::new(path).exists());
            it.list("/linux/namespaces").any(is_user)
                && missing.any(|path| it.message.contains(path))
        },
    },
    Cause {
        reason: "this machine has no such kernel parameter, or it is a directory",
        messages: &["/proc/sys/", "open sysctl"],
        has: |it| {
            let keys = it.spec["linux"]["sysctl"].as_object().into_iter().flatten();
            keys.map(|(key, _)| dotted(key)).any(|key| {
                let path = key.replace('.', "/");
                it.message.contains(&path) && !Path::new("/proc/sys").join(path).is_file()
            })
        },
    },
    Cause {
        reason: "the source of a bind mount is not here",
        messages: &["no such file or directory", "error stat'ing file"],
        has: |it| {
            it.binds().filter_map(|mount| mount["source"].as_str()).any(|source| {
                !source.is_empty() && !source.starts_with('/') && it.message.contains(source)
            })
        },
    },
    Cause {
        reason: "this machine lacks a controller of the spec's limits",
        messages: &["setting cgroup config", "cgroup controller `", "opening file `"],
        has: |it| {
            let words = || it.message.split(|letter: char| !letter.is_alphanumeric());
            let missing = it.host.missing_controllers(it.spec, it.runtime.version_2);
            missing.iter().any(|name| words().any(|word| word == name))
        },
    },
    Cause {
        reason: "this machine lacks a file of the controller net_prio",
        messages: &["cannot set net_prio limit"],
        has: |it| it.list("/linux/resources/network/priorities").next().is_some(),
    },
    Cause {
        reason: "this machine lacks a file of the controller net_cls",
        messages: &["cannot set net_cls limit"],
        has: |it| it.spec["linux"]["resources"]["network"]["classID"].is_u64(),
    },
    Cause {
        reason: "this machine lacks a file of the controller rdma",
        messages: &["cannot set rdma limit", "rdma.max: no such file"],
        has: |it| it.spec["linux"]["resources"]["rdma"].is_object(),
    },
    Cause {
        reason: "this machine lacks a file of the controller blkio",
        messages: &["leaf_weight", "blkio."],
        has: |it| it.spec["linux"]["resources"]["blockIO"].is_object(),
    },
    Cause {
        reason: "version 2 of control groups has no such limit",
        messages: &["not supported on cgroupv2", "with cgroupv2"],
        has: |it| it.runtime.version_2 && it.spec["linux"]["resources"].is_object(),
    },
    Cause {
        reason: "libseccomp here does not know the flag",
        messages: &["requires libseccomp"],
        has: |it| it.list("/linux/seccomp/flags").next().is_some(),
    },
    Cause {
        reason: "a namespace that is joined is here the one in which the runtime runs, or belongs to another user",
        messages: &["setns"],
        has: |it| it.list("/linux/namespaces").any(|namespace| namespace["path"].is_string()),
    },
    Cause {
        reason: "how much memory a start takes depends on the runtime",
        messages: &["unable to set memory limit", "memory limit too low", "out of memory"],
        has: |it| it.spec["linux"]["resources"]["memory"].is_object(),
    },
    Cause {
        reason: "the root filesystem is here no mount of its own, and runc 1.1 binds it from one that the spec makes unbindable",
        messages: &["rootfs, flags: 0x5000: invalid argument"],
        has: |it| {
            let propagation = &it.spec["linux"]["rootfsPropagation"];
            it.runtime.program == Program::Runc && propagation == "unbindable"
        },
    },
    Cause {
        reason: "this machine has not been up for as long as a clock is set back",
        messages: &["timens_offsets: Numerical result out of range"],
        has: |it| {
            let offsets = it.spec["linux"]["timeOffsets"].as_object().into_iter().flatten();
            let mut seconds = offsets.filter_map(|(_, offset)| offset["secs"].as_i64());
            seconds.any(|seconds| seconds < -uptime())
        },
    },
    Cause {
        reason: "this machine has no such filesystem",
        messages: &["no such device", "No such device"],
        has: |it| {
            let known = fs::read_to_string("/proc/filesystems").unwrap();
            let is_known = |kind: &str| known.split_whitespace().any(|one| one == kind);
            let mut kinds = it.mounts().filter_map(|mount| mount["type"].as_str());
            kinds.any(|kind| !is_known(kind))
        },
    },
    Cause {
        reason: "this machine has no SELinux",
        messages: &["invalid argument", "Invalid argument"],
        has: |it| it.has_mount_option(&["context=x"]),
    },
    Cause {
        reason: "a bind mount is of a file here, on a directory or below another mount",
        messages: &["ot a directory", "ordinary directory", "s a directory"],
        has: |it| it.binds().any(|mount| mount["source"] == "/etc/hosts"),
    },
    Cause {
        reason: "the program is below a mount",
        messages: &["/bin/true"],
        has: |it| {
            let mut paths = it.mounts().filter_map(|mount| mount["destination"].as_str());
            paths.any(|path| clean(path) == "/bin")
        },
    },
    Cause {
        reason: "crun 1.8 takes a newer option for one of the filesystem",
        messages: &["Invalid argument"],
        has: |it| {
            let newer = ["nosymfollow", "symfollow", "rnosymfollow", "iversion", "lazytime"];
            it.is_crun() && it.has_mount_option(&newer)
        },
    },
    Cause {
        reason: "crun 1.8 needs a directory /dev in the root filesystem",
        messages: &["open /dev directory in"],
        has: |it| {
            let is_dev = |mount: &Value| {
                mount["destination"].as_str().is_some_and(|path| clean(path) == "/dev")
            };
            it.is_crun() && !it.mounts().any(is_dev)
        },
    },
];

impl Refused<'_> {
    fn is_crun(&self) -> bool {
        self.runtime.program == Program::Crun
    }

    /// The elements of a list of the spec.
    fn list(&self, pointer: &str) -> impl Iterator<Item = &Value> {
        self.spec.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
    }

    fn mounts(&self) -> impl Iterator<Item = &Value> {
        self.list("/mounts")
    }

    fn binds(&self) -> impl Iterator<Item = &Value> {
        self.mounts().filter(|mount| adapted::is_bind(mount))
    }

    fn has_mount_option(&self, options: &[&str]) -> bool {
        let all = self.mounts().flat_map(|mount| mount["options"].as_array().into_iter().flatten());
        all.filter_map(Value::as_str).any(|option| options.contains(&option))
    }
}

/// This machine's hard limits, by their names in the runtime spec.
static HARD_LIMITS: LazyLock<BTreeMap<String, u64>> = LazyLock::new(|| {
    let asked = ["--raw", "--noheadings", "--output", "RESOURCE,HARD", "--pid"];
    let own = std::process::id().to_string();
    let output = Command::new("prlimit").args(asked).arg(own).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let limits = text.lines().map(|line| {
        let (name, hard) = line.split_once(' ').unwrap();
        (format!("RLIMIT_{name}"), hard.parse().unwrap_or(u64::MAX))
    });
    limits.collect()
});

/// For how many seconds this machine has been up.
fn uptime() -> i64 {
    let text = fs::read_to_string("/proc/uptime").unwrap();
    text.split('.').next().unwrap().parse().unwrap()
}

/// Whether a list of CPUs or nodes has one with a number that this machine does not have.
fn names_more_than(list: &Value, kind: &str) -> bool {
    let present = fs::read_to_string(format!("/sys/devices/system/{kind}/possible")).unwrap();
    let numbers = |text: &str| -> Vec<u32> {
        text.split(|letter: char| !letter.is_ascii_digit())
            .filter_map(|one| one.parse().ok())
            .collect()
    };
    numbers(list.as_str().unwrap_or_default()).iter().max() > numbers(&present).iter().max()
}

/// The reason of a refusal.
pub(crate) fn find(
    spec: &Value,
    runtime: &Runtime,
    host: &Host,
    message: &str,
) -> Option<&'static str> {
    // What is above the last line are warnings.
    let message = message.lines().last().unwrap_or_default();
    let refused = Refused { spec, runtime, host, message };
    let fits = |cause: &&Cause| {
        cause.messages.iter().any(|part| message.contains(part)) && (cause.has)(&refused)
    };
    CAUSES.iter().find(fits).map(|cause| cause.reason)
}

/// Whether a container starts although a rule is broken: a hook after its end cannot stop it, and crun goes on after one that
/// fails after the start.
pub(crate) fn starts_here(broken: &Broken, runtime: &Runtime) -> bool {
    let place = broken.place.to_string();
    let crun = runtime.program == Program::Crun;
    place.starts_with("hooks.poststop") || (crun && place.starts_with("hooks.poststart"))
}

/// Whether a rule is broken by a hook that runs after the start.
pub(crate) fn is_hook_after_start(broken: &Broken) -> bool {
    broken.place.to_string().starts_with("hooks.postst")
}
