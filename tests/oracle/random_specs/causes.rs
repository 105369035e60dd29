//! Refusals with a cause that a spec does not show, each with the reason; and what starts although a rule refuses it.
//!
//! Invariant: a row names both the values of the spec that this machine cannot take and the words of the refusal, so that it
//! excuses nothing else.

use crate::runtimes::adapted::{self, Host};
use crate::runtimes::runtime::{Program, Runtime};
use serde_json::Value;
use specd::domain::sysctl::dotted;
use specd::oci::Step;
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
        reason: "this machine does not have all of the memory nodes of a policy",
        messages: &["set_mempolicy: invalid argument"],
        has: |it| names_more_than(&it.spec["linux"]["memoryPolicy"]["nodes"], "node"),
    },
    Cause {
        reason: "crun 1.8 makes a node of what others have as a link",
        messages: &["mknod `/dev/ptmx`"],
        has: |it| it.is_crun() && it.list("/linux/devices").any(|it| it["path"] == "/dev/ptmx"),
    },
    Cause {
        reason: "this machine's kernel has no clamps of utilization",
        messages: &["setting scheduler: operation not supported"],
        has: |it| {
            let mut flags = it.list("/process/scheduler/flags").filter_map(Value::as_str);
            let clamps = flags.any(|flag| flag.starts_with("SCHED_FLAG_UTIL_CLAMP_"));
            clamps && !Path::new("/proc/sys/kernel/sched_util_clamp_min").exists()
        },
    },
    Cause {
        reason: "in a user namespace, a niceness below that of the test takes a limit that it does not have",
        messages: &["setting scheduler: operation not permitted"],
        has: |it| {
            let nice = it.spec["process"]["scheduler"]["nice"].as_i64().unwrap_or(0);
            let policy = it.spec["process"]["scheduler"]["policy"].as_str();
            let mut flags = it.list("/process/scheduler/flags");
            let keeps_policy = flags.any(|flag| flag == "SCHED_FLAG_KEEP_POLICY");
            it.has_user_namespace()
                && (keeps_policy || matches!(policy, Some("SCHED_OTHER" | "SCHED_BATCH")))
                && nice < niceness()
        },
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
            let nodes = it.list("/linux/devices").filter_map(|node| node["path"].as_str());
            let mut missing = nodes.filter(|path| !Path::new(path).exists());
            it.has_user_namespace() && missing.any(|path| it.message.contains(path))
        },
    },
    Cause {
        reason: "this machine has no such kernel parameter, or it is a directory",
        messages: &["/proc/sys/", "open sysctl"],
        has: |it| {
            let keys = it.spec["linux"]["sysctl"].as_object().into_iter().flatten();
            keys.map(|(key, _)| dotted(key)).any(|key| {
                let path = key.replace('.', "/").replace("//", "/");
                let message = it.message.replace("//", "/");
                let is_named = message.contains(&path) || message.contains(&*key);
                is_named && !Path::new("/proc/sys").join(path).is_file()
            })
        },
    },
    Cause {
        reason: "this machine's kernel has no such algorithm for congestion",
        messages: &["no such file or directory", "No such file or directory"],
        has: |it| {
            const NAME: &str = "net.ipv4.tcp_congestion_control";
            let path = "/proc/sys/net/ipv4/tcp_available_congestion_control";
            let known = fs::read_to_string(path).unwrap();
            let sysctls = it.spec["linux"]["sysctl"].as_object().into_iter().flatten();
            let mut wanted = sysctls.filter(|(key, _)| dotted(key) == NAME);
            it.message.contains("tcp_congestion_control")
                && wanted.any(|(_, name)| known.split_whitespace().all(|known| known != name))
        },
    },
    Cause {
        reason: "this machine has no such directory in /proc for the working directory",
        messages: &["mkdir /proc/", "chdir `/proc/"],
        has: |it| {
            let directory = it.spec["process"]["cwd"].as_str().unwrap_or_default();
            clean(directory).starts_with("/proc/")
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
        messages: &["setting cgroup config", "cgroup controller `", "opening file `", "open io."],
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
        messages: &["blkio."],
        has: |it| {
            let is_of_name = |letter: char| letter.is_ascii_alphanumeric() || "._".contains(letter);
            let mut words = it.message.split(|letter| !is_of_name(letter));
            let file = words.find(|word| word.starts_with("blkio."));
            it.spec["linux"]["resources"]["blockIO"].is_object()
                && file.is_some_and(|file| !Path::new("/sys/fs/cgroup/blkio").join(file).exists())
        },
    },
    Cause {
        reason: "this machine has no such block device",
        messages: &["no such device", "No such device"],
        has: |it| {
            let lists = it.spec["linux"]["resources"]["blockIO"].as_object().into_iter().flatten();
            let mut devices = lists.filter_map(|(_, list)| list.as_array()).flatten();
            devices.any(|device| {
                let number = |name: &str| device[name].as_i64().unwrap_or(0);
                let numbers = format!("{}:{}", number("major"), number("minor"));
                let path = Path::new("/sys/dev/block").join(&numbers);
                it.message.contains(&format!("{numbers} ")) && !path.exists()
            })
        },
    },
    Cause {
        reason: "version 2 of control groups has no such limit",
        messages: &["not supported on cgroupv2", "with cgroupv2"],
        has: |it| {
            let is_set = |place: &str| it.spec["linux"]["resources"].pointer(place).is_some();
            let mut limits = LIMITS_OF_VERSION_1.iter();
            it.runtime.version_2
                && limits.any(|(place, words)| it.message.contains(words) && is_set(place))
        },
    },
    Cause {
        reason: "version 1 of control groups has no file of version 2",
        messages: &["cannot use unified on cgroup v1"],
        has: |it| !it.runtime.version_2 && it.spec["linux"]["resources"]["unified"].is_object(),
    },
    Cause {
        reason: "libseccomp here does not know the flag",
        messages: &["requires libseccomp"],
        has: |it| it.list("/linux/seccomp/flags").next().is_some(),
    },
    Cause {
        reason: "the user namespace that is joined is here the one in which the runtime runs",
        messages: &["setns into user namespace: Invalid argument", "cannot setns `"],
        has: |it| {
            let own = fs::read_link("/proc/self/ns/user").unwrap();
            let mut users = it.list("/linux/namespaces").filter(|it| it["type"] == "user");
            users.any(|namespace| {
                let path = namespace["path"].as_str().unwrap_or_default();
                let is_named = it.message.contains("user namespace") || it.message.contains(path);
                is_named && fs::read_link(path).is_ok_and(|joined| joined == own)
            })
        },
    },
    Cause {
        reason: "the mount namespace that is joined is here that of another process, with a /proc that does not show the runtime",
        messages: &["error preparing rootfs", "write to sync socket", "chdir(.)"],
        has: |it| {
            let own = fs::read_link("/proc/self/ns/mnt").unwrap();
            let mounts = it.list("/linux/namespaces").filter(|it| it["type"] == "mount");
            let mut joined = mounts.filter_map(|namespace| namespace["path"].as_str());
            joined.any(|path| fs::read_link(path).is_ok_and(|joined| joined != own))
        },
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
        has: |it| it.names_mount_with(&["context=x"]),
    },
    Cause {
        reason: "a bind mount is of a file here, on a directory or below another mount",
        messages: &["ot a directory", "ordinary directory", "s a directory"],
        has: |it| {
            let is_file = |mount: &&Value| mount["source"] == "/etc/hosts";
            let mut files = it.binds().filter(is_file).map(destination);
            files.any(|file| {
                let is_above = |above: &str, path: &str| Path::new(path).starts_with(above);
                let mut others = it.mounts().map(destination).filter(|other| *other != file);
                let twice = it.mounts().filter(|mount| destination(mount) == file).count() > 1;
                let meets = |other: String| is_above(&other, &file) || is_above(&file, &other);
                // crun names a path without the first slash.
                let is_named = it.message.contains(file.trim_start_matches('/'));
                is_named && (twice || file == "/bin" || others.any(meets))
            })
        },
    },
    Cause {
        reason: "what is bound on /proc is no proc here, and runc 1.6 looks at it",
        messages: &["because it is not of type proc"],
        has: |it| it.binds().any(|mount| destination(mount) == "/proc"),
    },
    Cause {
        reason: "what is bound on a file of /proc is here a directory",
        messages: &["ot a directory"],
        has: |it| {
            it.binds().any(|mount| {
                let source = mount["source"].as_str().unwrap_or_default();
                destination(mount).starts_with("/proc/") && Path::new(source).is_dir()
            })
        },
    },
    Cause {
        reason: "what is bound on /dev has no null here",
        messages: &["/dev/null: no such file or directory", "/dev/null: No such file or directory"],
        has: |it| it.binds().any(|mount| destination(mount) == "/dev"),
    },
    Cause {
        reason: "a hidden path leads through a file of a proc that is not on /proc",
        messages: &["ot a directory"],
        has: |it| {
            let hidden = it.list("/linux/maskedPaths").chain(it.list("/linux/readonlyPaths"));
            let mut hidden = hidden.filter_map(Value::as_str).map(Path::new);
            let procs = it.mounts().filter(|mount| mount["type"] == "proc").map(destination);
            let others: Vec<String> = procs.filter(|place| place != "/proc").collect();
            hidden.any(|path| others.iter().any(|place| path.starts_with(place)))
        },
    },
    Cause {
        reason: "the program is below a mount",
        messages: &["/bin/true"],
        has: |it| it.mounts().any(|mount| destination(mount) == "/bin"),
    },
    Cause {
        reason: "crun 1.8 makes recursive options of a directory alone",
        messages: &["Not a directory"],
        has: |it| it.is_crun() && it.names_mount_with(&["rnosuid", "rnodev", "rnoexec", "rro"]),
    },
    Cause {
        reason: "control groups of version 2 have no options of other filesystems",
        messages: &["invalid argument", "Invalid argument"],
        has: |it| {
            let groups = it.mounts().filter(|mount| mount["type"] == "cgroup");
            let places: Vec<String> = groups.map(destination).collect();
            let mut there = it.mounts().filter(|mount| places.contains(&destination(mount)));
            let has_other = |mount: &Value| {
                let options = mount["options"].to_string();
                options.contains('=') || options.contains("\"newinstance\"")
            };
            // A tmpfs has the option mode, whatever the spec says.
            it.runtime.version_2 && there.any(|it| it["type"] == "tmpfs" || has_other(it))
        },
    },
    Cause {
        reason: "runc 1.5 needs a /proc where a user namespace may mount none",
        messages: &["open /proc: no such file or directory"],
        has: |it| {
            it.runtime.program == Program::RuncOfTheRules
                && it.has_user_namespace()
                && !it.mounts().any(|mount| destination(mount) == "/proc")
        },
    },
    Cause {
        reason: "crun 1.8 takes a newer option for one of the filesystem",
        messages: &["Invalid argument"],
        has: |it| {
            let newer = [
                "nosymfollow",
                "symfollow",
                "rnosymfollow",
                "iversion",
                "lazytime",
                "silent",
                "loud",
            ];
            it.is_crun() && it.names_mount_with(&newer)
        },
    },
    Cause {
        reason: "crun 1.8 needs a directory /dev in the root filesystem",
        messages: &["open /dev directory in"],
        has: |it| it.is_crun() && !it.mounts().any(|mount| destination(mount) == "/dev"),
    },
];

/// Limits that version 2 does not have, by their places below `resources`, with crun's words for them.
const LIMITS_OF_VERSION_1: &[(&str, &str)] = &[
    ("/blockIO", "leaf_weight"),
    ("/memory/useHierarchy", "useHierarchy"),
    ("/memory/disableOOMKiller", "OOM killer"),
    ("/memory/swappiness", "swappiness"),
    ("/cpu/realtimePeriod", "realtime period"),
    ("/cpu/realtimeRuntime", "realtime runtime"),
    ("/network", "network limits"),
];

impl Refused<'_> {
    fn is_crun(&self) -> bool {
        self.runtime.program == Program::Crun
    }

    /// The elements of a list of the spec.
    fn list(&self, pointer: &str) -> impl Iterator<Item = &Value> {
        self.spec.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
    }

    fn has_user_namespace(&self) -> bool {
        self.list("/linux/namespaces").any(|namespace| namespace["type"] == "user")
    }

    fn mounts(&self) -> impl Iterator<Item = &Value> {
        self.list("/mounts")
    }

    fn binds(&self) -> impl Iterator<Item = &Value> {
        self.mounts().filter(|mount| adapted::is_bind(mount))
    }

    /// Whether the message names a mount with one of these options.
    fn names_mount_with(&self, options: &[&str]) -> bool {
        let has = |mount: &&Value| {
            let all = mount["options"].as_array().into_iter().flatten();
            all.filter_map(Value::as_str).any(|option| options.contains(&option))
        };
        let mut places = self.mounts().filter(has).map(destination);
        places.any(|place| self.message.contains(place.trim_start_matches('/')))
    }
}

/// Where a mount is.
fn destination(mount: &Value) -> String {
    clean(mount["destination"].as_str().unwrap_or_default()).to_string()
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

/// The niceness of the test, and so of the runtimes.
fn niceness() -> i64 {
    let text = fs::read_to_string("/proc/self/stat").unwrap();
    text.rsplit_once(") ").unwrap().1.split(' ').nth(16).unwrap().parse().unwrap()
}

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

/// Whether a container starts, or waits, although a rule is broken: a hook after its end cannot stop it, and crun goes on after
/// one that fails after the start.
pub(crate) fn starts_here(broken: &Broken, spec: &Value, runtime: &Runtime) -> bool {
    let place = broken.place.to_string();
    let crun = runtime.program == Program::Crun;
    let hook =
        place.starts_with("hooks.poststop") || (crun && place.starts_with("hooks.poststart"));
    hook || (crun && (has_pipe_as_null(spec) || is_sysfs_of_the_host(broken, spec)))
        || has_no_effect(broken, spec)
        || (!runtime.version_2 && is_option_of_a_cgroup(broken, spec))
        || (!runtime.version_2 && is_unlimited_swap(broken, spec))
}

/// Whether it starts although a rule of some runtime is broken: that of a hook after the start, too.
pub(crate) fn starts_everywhere(broken: &Broken, spec: &Value) -> bool {
    broken.place.to_string().starts_with("hooks.postst") || has_no_effect(broken, spec)
}

/// Whether runtimes change what breaks a rule, or pass over it.
fn has_no_effect(broken: &Broken, spec: &Value) -> bool {
    is_null_in_a_list(broken)
        || is_of_an_unknown_call(broken, spec)
        || is_cut_off(broken, spec)
        || stays_where_it_is(broken, spec)
}

/// Whether `/dev/null` is a named pipe: crun waits in it, and does not get to the program.
fn has_pipe_as_null(spec: &Value) -> bool {
    let mut nodes = spec["linux"]["devices"].as_array().into_iter().flatten();
    nodes.any(|node| node["path"] == "/dev/null" && node["type"] == "p")
}

/// Whether a sysfs that a user namespace cannot mount again is broken: crun binds the host's.
fn is_sysfs_of_the_host(broken: &Broken, spec: &Value) -> bool {
    let mut namespaces = spec["linux"]["namespaces"].as_array().into_iter().flatten();
    let Some(Step::Index(index)) = broken.place.0.get(1) else { return false };
    broken.rule.name == "mount-remount"
        && spec["mounts"][*index]["type"] == "sysfs"
        && namespaces.any(|namespace| namespace["type"] == "user")
}

/// Whether a network device is moved to the namespace that it is in, which takes even the loopback device.
fn stays_where_it_is(broken: &Broken, spec: &Value) -> bool {
    let mut namespaces = spec["linux"]["namespaces"].as_array().into_iter().flatten();
    broken.rule.name == "net-device-name"
        && namespaces.any(|namespace| namespace["path"] == "/proc/self/ns/net")
}

/// The value at a broken place.
fn value<'a>(broken: &Broken, spec: &'a Value) -> &'a Value {
    let pointer = format!("/{}", broken.place).replace(['.', '['], "/").replace(']', "");
    spec.pointer(&pointer).unwrap_or(&Value::Null)
}

/// Whether a number of a device is cut off to one that mknod(2) takes: runc makes it 32 bits long first.
fn is_cut_off(broken: &Broken, spec: &Value) -> bool {
    let is_long = value(broken, spec).as_i64() > Some(u32::MAX.into());
    is_long && matches!(broken.rule.name, "device-number-size" | "device-pipe-number")
}

/// Whether a limit of swap is what version 1 of control groups takes for none.
fn is_unlimited_swap(broken: &Broken, spec: &Value) -> bool {
    broken.rule.name == "memory-swap" && value(broken, spec).as_i64() >= Some(i64::MAX & !4095)
}

/// The element of a list that a broken place is in.
fn element<'a>(broken: &Broken, list: &str, spec: &'a Value) -> Option<&'a Value> {
    let place = broken.place.to_string();
    let (number, _) = place.strip_prefix(list)?.strip_prefix('[')?.split_once(']')?;
    spec.pointer(&format!("/{}/{number}", list.replace('.', "/")))
}

/// Whether it is an option of control groups of version 1 with a NUL byte: runtimes mount them without it.
fn is_option_of_a_cgroup(broken: &Broken, spec: &Value) -> bool {
    broken.rule.name == "nul-byte"
        && broken.place.to_string().contains("].options")
        && element(broken, "mounts", spec).is_some_and(|mount| mount["type"] == "cgroup")
}

/// Whether a list has an element that is null: specd refuses what Go reads as 0 or as an empty text.
fn is_null_in_a_list(broken: &Broken) -> bool {
    broken.rule.name == "field-type" && broken.description.ends_with("not null")
}

/// Whether a filter has something wrong for system calls that libseccomp does not know, over which runtimes pass.
fn is_of_an_unknown_call(broken: &Broken, spec: &Value) -> bool {
    let call = element(broken, "linux.seccomp.syscalls", spec);
    let mut names = call.and_then(|call| call["names"].as_array()).into_iter().flatten();
    matches!(broken.rule.name, "seccomp-argument" | "seccomp-errno-range")
        && names.all(|name| {
            name.as_str().is_some_and(|name| name.is_empty() || name.starts_with("nosuch"))
        })
}
