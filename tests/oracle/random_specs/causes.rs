//! Refusals with a cause that a spec does not show, each with the reason; and what starts although a rule refuses it.

use crate::runtimes::adapted::{self, Host};
use crate::runtimes::runtime::{Program, Runtime};
use serde_json::Value;
use specd::spec::rules::Broken;

/// Why a runtime refuses a spec that keeps the rules.
struct Cause {
    reason: &'static str,
    /// What the runtime's message contains: one of these.
    messages: &'static [&'static str],
    /// What the spec has.
    has: fn(&Value) -> bool,
}

/// THE list of causes.
const CAUSES: &[Cause] = &[
    Cause {
        reason: "crun 1.8 takes no version of the runtime spec above 1.1",
        messages: &["unknown version specified"],
        has: |spec| {
            let version = spec["ociVersion"].as_str().unwrap_or_default();
            ["1.2", "1.3"].iter().any(|new| version.starts_with(new))
        },
    },
    Cause {
        reason: "this machine has no Intel RDT",
        messages: &[
            "Intel RDT is not enabled",
            "Intel RDT/CAT is not enabled",
            "Intel RDT/MBA is not enabled",
        ],
        has: |spec| spec["linux"]["intelRdt"].is_object(),
    },
    Cause {
        reason: "this machine has no such network device",
        messages: &["Link not found"],
        has: |spec| spec["linux"]["netDevices"].is_object(),
    },
    Cause {
        reason: "a score below 0 takes CAP_SYS_RESOURCE, which nobody has here",
        messages: &["oom_score_adj: Permission denied", "final child's PID from pipe: EOF"],
        has: |spec| spec["process"]["oomScoreAdj"].as_i64().is_some_and(|score| score < 0),
    },
    Cause {
        reason: "a limit above this machine's takes CAP_SYS_RESOURCE, which nobody has here",
        messages: &["setting rlimit type", "setrlimit `RLIMIT_"],
        has: |spec| spec["process"]["rlimits"].is_array(),
    },
    Cause {
        reason: "this machine does not have all of the CPUs or memory nodes",
        messages: &["cpuset.cpus: ", "cpuset.mems: "],
        has: |spec| {
            ["cpus", "mems"].iter().any(|list| spec["linux"]["resources"]["cpu"][list].is_string())
        },
    },
    Cause {
        reason: "the control groups above have no time for realtime scheduling",
        messages: &["cpu.rt_runtime_us: invalid argument"],
        has: |spec| spec["linux"]["resources"]["cpu"]["realtimeRuntime"].is_i64(),
    },
    Cause {
        reason: "this machine has no such kernel parameter, or it is a directory",
        messages: &["/proc/sys/", "open sysctl"],
        has: |spec| spec["linux"]["sysctl"].is_object(),
    },
    Cause {
        reason: "the root filesystem belongs to a user that is not mapped",
        messages: &["permission denied", "Permission denied"],
        has: |spec| !spec["linux"]["uidMappings"].is_null(),
    },
    Cause {
        reason: "the source of a bind mount is not here",
        messages: &["no such file or directory", "error stat'ing file"],
        has: |spec| {
            let mounts = spec["mounts"].as_array().into_iter().flatten();
            let mut binds = mounts.filter(|mount| adapted::is_bind(mount));
            binds.any(|mount| {
                !mount["source"].as_str().is_some_and(|source| source.starts_with('/'))
            })
        },
    },
    Cause {
        reason: "this machine lacks a file of a controller",
        messages: &[
            "cannot set net_prio limit",
            "cannot set net_cls limit",
            "cannot set rdma limit",
            "leaf_weight",
            "blkio.",
        ],
        has: |spec| spec["linux"]["resources"].is_object(),
    },
    Cause {
        reason: "version 2 of control groups has no such limit",
        messages: &["not supported on cgroupv2", "with cgroupv2"],
        has: |spec| spec["linux"]["resources"].is_object(),
    },
    Cause {
        reason: "libseccomp here does not know the flag",
        messages: &["requires libseccomp"],
        has: |spec| spec["linux"]["seccomp"]["flags"].is_array(),
    },
    Cause {
        reason: "libseccomp or crun 1.8 does not know the architecture",
        messages: &["seccomp unknown architecture", "architecture"],
        has: |spec| spec["linux"]["seccomp"]["architectures"].is_array(),
    },
    Cause {
        reason: "a namespace that is joined is here the one in which the runtime runs, or belongs to another user",
        messages: &["setns"],
        has: |spec| {
            let mut all = spec["linux"]["namespaces"].as_array().into_iter().flatten();
            all.any(|namespace| namespace["path"].is_string())
        },
    },
    Cause {
        reason: "how much memory a start takes depends on the runtime",
        messages: &["unable to set memory limit", "memory limit too low", "out of memory"],
        has: |spec| spec["linux"]["resources"]["memory"].is_object(),
    },
    Cause {
        reason: "this machine has no SELinux",
        messages: &["invalid argument", "Invalid argument"],
        has: |spec| {
            let mounts = spec["mounts"].as_array().into_iter().flatten();
            let options =
                mounts.flat_map(|mount| mount["options"].as_array().into_iter().flatten());
            options.filter_map(Value::as_str).any(|option| option == "context=x")
        },
    },
    Cause {
        reason: "a bind mount is of a file here, on a directory or below another mount",
        messages: &["ot a directory", "ordinary directory", "s a directory"],
        has: |spec| {
            let mounts = spec["mounts"].as_array().into_iter().flatten();
            mounts.filter_map(|mount| mount["source"].as_str()).any(|source| source == "/etc/hosts")
        },
    },
    Cause {
        reason: "the program is below a mount",
        messages: &["/bin/true"],
        has: |spec| {
            let mounts = spec["mounts"].as_array().into_iter().flatten();
            let mut paths = mounts.filter_map(|mount| mount["destination"].as_str());
            paths.any(|path| path.contains("bin"))
        },
    },
    Cause {
        reason: "crun 1.8 takes a newer option for one of the filesystem",
        messages: &["Invalid argument"],
        has: |spec| {
            let mounts = spec["mounts"].as_array().into_iter().flatten();
            let options =
                mounts.flat_map(|mount| mount["options"].as_array().into_iter().flatten());
            let newer = ["nosymfollow", "symfollow", "rnosymfollow", "iversion", "lazytime"];
            options.filter_map(Value::as_str).any(|option| newer.contains(&option))
        },
    },
    Cause {
        reason: "crun 1.8 needs a directory /dev in the root filesystem",
        messages: &["open /dev directory in"],
        has: |_| true,
    },
];

/// The reason of a refusal.
pub(crate) fn find(
    spec: &Value,
    runtime: &Runtime,
    host: &Host,
    message: &str,
) -> Option<&'static str> {
    let of_groups =
        ["cgroup", "controller", "opening file `"].iter().any(|word| message.contains(word));
    if of_groups && host.lacks_controller(spec, runtime.version_2).is_some() {
        return Some("this machine lacks a controller of the spec's limits");
    }
    let fits = |cause: &&Cause| {
        cause.messages.iter().any(|part| message.contains(part)) && (cause.has)(spec)
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
