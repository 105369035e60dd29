//! For each rule on finished specs, the least that breaks it: a merge patch on a spec that runs.

use crate::runtimes::runtime::{Program, Runtime};
use serde_json::{Value, json};
use specd::spec::merge_patch;

/// Who refuses what breaks a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// Every runc, and crun too.
    Both,
    /// Every runc.
    Runc,
    /// The runc of the rules and newer ones, where an older one passes over what it does not know.
    RuncOfTheRules,
    /// The newest runc alone.
    NewestRunc,
    /// The runc of the rules; not the newest one.
    RuncBefore16,
    /// Every runc, on the machine's own control groups; not where a controller is missing.
    RuncOnVersion1,
    /// Every runc, on control groups of version 2.
    RuncOnVersion2,
    /// An older runc than that of the rules, and crun.
    NotRuncOfTheRules,
    /// An older runc than that of the rules.
    OlderRunc,
    /// The newest runc, and an older one than that of the rules.
    NotRunc15,
    /// crun alone.
    Crun,
    /// crun. Of runc nothing is said: this machine lacks a file that it writes.
    CrunHere,
    /// No runtime: the rule is ours, and says why.
    Nobody,
    /// No runtime, but a machine of its own kind.
    NotHere,
}
use By::{
    Both, Crun, CrunHere, NewestRunc, Nobody, NotHere, NotRunc15, NotRuncOfTheRules, OlderRunc,
    Runc, RuncBefore16, RuncOfTheRules, RuncOnVersion1, RuncOnVersion2,
};

impl By {
    /// Whether a runtime is one of these; nothing where it is not said.
    pub(crate) fn refuses(self, runtime: &Runtime) -> Option<bool> {
        let crun = runtime.program == Program::Crun;
        let new = matches!(runtime.program, Program::RuncOfTheRules | Program::NewestRunc);
        match self {
            Both => Some(true),
            Runc => (!crun).then_some(true),
            RuncOfTheRules => new.then_some(true),
            NewestRunc if crun => None,
            NewestRunc => Some(runtime.program == Program::NewestRunc),
            RuncBefore16 => new.then_some(runtime.program == Program::RuncOfTheRules),
            RuncOnVersion1 => (!crun && !runtime.version_2).then_some(true),
            RuncOnVersion2 => (!crun && runtime.version_2).then_some(true),
            OlderRunc => new.then_some(false),
            NotRunc15 => new.then_some(runtime.program == Program::NewestRunc),
            NotHere => None,
            CrunHere => crun.then_some(true),
            NotRuncOfTheRules if runtime.program == Program::Runc => None,
            NotRuncOfTheRules | Crun => Some(crun),
            Nobody => Some(false),
        }
    }
}

/// A change of the spec that runs.
pub(crate) type Patch = fn() -> Value;

/// A spec that breaks one rule.
pub(crate) struct Case {
    pub(crate) rule: &'static str,
    pub(crate) by: By,
    /// What is changed in the spec that runs.
    pub(crate) patch: Patch,
}

const fn case(rule: &'static str, by: By, patch: Patch) -> Case {
    Case { rule, by, patch }
}

/// The spec that runs, changed.
pub(crate) fn spec(patch: Patch) -> Value {
    let mut spec = base();
    merge_patch::apply(&mut spec, patch());
    spec
}

/// The spec that runs.
pub(crate) fn base() -> Value {
    json!({
        "ociVersion": "1.0.2",
        "process": {
            "user": {"uid": 0, "gid": 0},
            "args": ["/bin/true"],
            "env": ["PATH=/bin"],
            "cwd": "/",
            "capabilities": {
                "bounding": ["CAP_CHOWN"], "effective": ["CAP_CHOWN"], "permitted": ["CAP_CHOWN"],
            },
        },
        "root": {"path": "rootfs"},
        "hostname": "h",
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs"},
        ],
        "linux": {"namespaces": namespaces(&[]), "maskedPaths": ["/proc/kcore"]},
    })
}

/// The namespaces of the spec that runs, and more.
fn namespaces(more: &[&str]) -> Value {
    let kinds = ["pid", "ipc", "uts", "mount", "network"];
    kinds.iter().chain(more).map(|kind| json!({ "type": kind })).collect()
}

/// The namespaces of the spec that runs, without one.
fn without(kind: &str) -> Value {
    let Value::Array(mut list) = namespaces(&[]) else { unreachable!() };
    list.retain(|namespace| namespace["type"] != kind);
    json!({"linux": {"namespaces": list}})
}

fn process(name: &str, value: Value) -> Value {
    json!({"process": {name: value}})
}

fn linux(name: &str, value: Value) -> Value {
    json!({"linux": {name: value}})
}

fn resources(name: &str, value: Value) -> Value {
    linux("resources", json!({ name: value }))
}

/// One more mount.
fn mount(mount: Value) -> Value {
    let mut mounts = base()["mounts"].clone();
    mounts.as_array_mut().unwrap().push(mount);
    json!({ "mounts": mounts })
}

/// One more mount: a tmpfs with an option.
fn tmpfs(option: &str) -> Value {
    mount(json!({"destination": "/data", "type": "tmpfs", "source": "tmpfs", "options": [option]}))
}

/// A filesystem on `/data`, and a mount inside it.
fn inside(kind: &str, inside: Value) -> Value {
    let mut spec = mount(json!({"destination": "/data", "type": kind, "source": kind}));
    spec["mounts"].as_array_mut().unwrap().push(inside);
    spec
}

/// One more mount, and a tmpfs over it into which it is copied.
fn copying_over(hidden: Value) -> Value {
    let mut spec = tmpfs("tmpcopyup");
    let mounts = spec["mounts"].as_array_mut().unwrap();
    mounts.insert(mounts.len() - 1, hidden);
    spec
}

fn ids(container: u32, host: u32, size: u32) -> Value {
    json!([{"containerID": container, "hostID": host, "size": size}])
}

/// A user namespace with these ids, for users and for groups.
fn user_namespace(users: &Value, groups: &Value) -> Value {
    let namespaces = namespaces(&["user"]);
    json!({"linux": {"namespaces": namespaces, "uidMappings": users, "gidMappings": groups}})
}

/// A mount in a user namespace of ten IDs.
fn mapped_mount(one: Value) -> Value {
    let mut spec = user_namespace(&ids(0, 100_000, 10), &ids(0, 100_000, 10));
    spec["mounts"] = mount(one)["mounts"].clone();
    spec
}

/// The same, with the host's namespace of a kind.
fn in_user_namespace_without(kind: &str, one: Value) -> Value {
    let mut spec = mapped_mount(one);
    let list = spec["linux"]["namespaces"].as_array_mut().unwrap();
    list.retain(|namespace| namespace["type"] != kind);
    spec
}

/// A user namespace of ten IDs, and a namespace of a kind that is joined.
fn in_user_namespace_that_joins(kind: &str) -> Value {
    let mut spec = user_namespace(&ids(0, 100_000, 10), &ids(0, 100_000, 10));
    let list = spec["linux"]["namespaces"].as_array_mut().unwrap();
    let joined = list.iter_mut().find(|namespace| namespace["type"] == kind).unwrap();
    let name = match kind {
        "network" => "net",
        "mount" => "mnt",
        other => other,
    };
    joined["path"] = format!("/proc/self/ns/{name}").into();
    spec
}

pub(crate) fn time_namespace(offsets: &Value) -> Value {
    json!({"linux": {"namespaces": namespaces(&["time"]), "timeOffsets": offsets}})
}

fn hook(hook: Value) -> Value {
    json!({"hooks": {"prestart": [hook]}})
}

/// A hook that cannot end before a timeout that passes at once.
fn slow_hook(timeout: i64) -> Value {
    json!({"path": "/bin/sleep", "args": ["sleep", "10"], "timeout": timeout})
}

fn scheduler(scheduler: Value) -> Value {
    process("scheduler", scheduler)
}

/// A filter that allows all, with one more field.
fn filter(name: &str, value: Value) -> Value {
    let filter = json!({"defaultAction": "SCMP_ACT_ALLOW", name: value});
    linux("seccomp", filter)
}

/// A filter with a rule on a call that nothing makes.
fn call(name: &str, value: Value) -> Value {
    let mut call = json!({"names": ["acct"], "action": "SCMP_ACT_ERRNO"});
    call[name] = value;
    filter("syscalls", json!([call]))
}

fn argument(name: &str, value: Value) -> Value {
    let mut argument = json!({"index": 0, "value": 1, "op": "SCMP_CMP_EQ"});
    argument[name] = value;
    call("args", json!([argument]))
}

/// A container that joins the network namespace of the runtime.
fn in_network_of_the_runtime() -> Value {
    let mut joined = without("network");
    let list = joined["linux"]["namespaces"].as_array_mut().unwrap();
    list.push(json!({"type": "network", "path": "/proc/self/ns/net"}));
    joined
}

/// What runs beside the base: what a rule must not refuse by mistake.
pub(crate) const RUNS: &[(&str, Patch)] = &[
    ("the base itself", || json!({})),
    ("a user namespace", || user_namespace(&ids(0, 100_000, 65_536), &ids(0, 100_000, 65_536))),
    ("a joined uts namespace with a host name", in_network_of_the_runtime),
    ("parameters of namespaces", || {
        linux("sysctl", json!({"net.core.somaxconn": "100", "kernel/shmmax": "1000000"}))
    }),
    ("a filter", || argument("index", json!(5))),
    ("a bind mount with flags", || {
        let options = ["rbind", "ro", "nosuid", "rprivate"];
        mount(json!({"destination": "/data", "type": "bind", "source": "/tmp", "options": options}))
    }),
    ("a tmpfs with options", || {
        let options = ["mode=755", "size=1k", "tmpcopyup"];
        mount(
            json!({"destination": "/data", "type": "tmpfs", "source": "tmpfs", "options": options}),
        )
    }),
    ("lists of processors", || {
        process("execCPUAffinity", json!({"initial": "0", "final": "0-1023"}))
    }),
    ("hooks of no turn that there is", || json!({"hooks": {"nosuch": [{"path": "x"}]}})),
    // It reads its input: crun ends where a hook ends before that.
    ("a hook", || {
        let args = ["sh", "-c", "cat >/dev/null"];
        hook(json!({"path": "/bin/sh", "args": args, "timeout": 5}))
    }),
    ("calls of a filter that a runtime passes over", || {
        let argument = json!({"index": 6, "value": 1, "op": "SCMP_CMP_EQ"});
        let unnamed =
            json!({"names": [], "action": "SCMP_ACT_ERRNO", "errnoRet": 4096, "args": [argument]});
        let default = json!({"names": ["acct"], "action": "SCMP_ACT_ALLOW", "args": [argument]});
        filter("syscalls", json!([unnamed, default]))
    }),
    ("a number for a tracer", || {
        filter(
            "syscalls",
            json!([{"names": ["acct"], "action": "SCMP_ACT_TRACE", "errnoRet": 65_535}]),
        )
    }),
    ("an error number that is the highest", || call("errnoRet", json!(4094))),
    ("a filter that denies getcwd where there are no new privileges", || {
        let mut spec =
            filter("syscalls", json!([{"names": ["getcwd"], "action": "SCMP_ACT_ERRNO"}]));
        spec["process"] = json!({"noNewPrivileges": true});
        spec
    }),
    ("a policy that is kept", || {
        let flags = ["SCHED_FLAG_KEEP_POLICY"];
        scheduler(json!({"policy": "SCHED_DEADLINE", "flags": flags}))
    }),
    ("a device", || {
        linux("devices", json!([{"path": "/dev/x", "type": "c", "major": 1, "minor": 3}]))
    }),
    ("a device with the highest numbers, and a named pipe", || {
        let device = json!({"path": "/dev/x", "type": "b", "major": 4095, "minor": 1_048_575});
        linux("devices", json!([device, {"path": "/dev/y", "type": "p", "major": 0, "minor": 0}]))
    }),
    ("groups that may send pings", || {
        linux("sysctl", json!({"net.ipv4.ping_group_range": "0 2147483647"}))
    }),
    ("groups that may send pings, in a user namespace", || {
        let mut spec = user_namespace(&ids(0, 100_000, 10), &ids(0, 100_000, 10));
        spec["linux"]["sysctl"] = json!({"net.ipv4.ping_group_range": "0 9"});
        spec
    }),
    ("a device that the rules allow", || {
        let all = json!({"allow": false, "access": "rwm"});
        let one = json!({"allow": true, "type": "c", "major": 1, "minor": 3, "access": "rw"});
        let mut spec = resources("devices", json!([all, one]));
        spec["linux"]["devices"] =
            json!([{"path": "/dev/null", "type": "c", "major": 1, "minor": 3}]);
        spec
    }),
    ("rules that take each other back", || {
        let rule = |allow: bool, access: &str| json!({"allow": allow, "type": "b", "major": 8, "access": access});
        resources("devices", json!([rule(true, "rwm"), rule(false, "w"), rule(true, "w")]))
    }),
    (
        "no namespaces at all",
        || json!({"hostname": null, "linux": {"namespaces": [], "maskedPaths": null}}),
    ),
];

/// Every case; each rule has one at least.
pub(crate) const CASES: &[Case] = &[
    case("field-type", Runc, || process("user", json!({"uid": "root"}))),
    case("field-type", Both, || process("user", json!({"uid": -1}))),
    // runc reads it as cwd, and refuses this one.
    case("field-type", Runc, || process("Cwd", json!("/proc/self/fd/7"))),
    case("required-field", Both, || mount(json!({"type": "tmpfs", "source": "tmpfs"}))),
    case("required-field", Crun, || {
        linux("devices", json!([{"path": "", "type": "c", "major": 1, "minor": 3}]))
    }),
    case("oci-version", Crun, || json!({"ociVersion": "2.0.0"})),
    case("oci-version", Crun, || json!({"ociVersion": null})),
    case("process-present", Both, || json!({"process": null})),
    case("process-args", Both, || process("args", json!([]))),
    case("process-args", Both, || process("args", json!([""]))),
    case("process-cwd", Runc, || process("cwd", json!("srv"))),
    case("process-cwd", Both, || process("cwd", json!("/proc/self/fd/8"))),
    case("process-cwd", Both, || process("cwd", json!("/dev/fd/8"))),
    case("process-cwd", Both, || process("cwd", json!("/x/../dev//fd/8"))),
    case("process-cwd", Both, || process("cwd", json!("/dev/stdin"))),
    case("process-env", Runc, || process("env", json!(["PATH=/bin", "LANG"]))),
    case("process-env", Runc, || process("env", json!(["PATH=/bin", "=x"]))),
    case("process-path", Runc, || json!({"process": {"args": ["true"], "env": ["A=b"]}})),
    case(
        "process-path",
        Runc,
        || json!({"process": {"args": ["true"], "env": ["PATH=/bin", "PATH=bin:"]}}),
    ),
    case("nul-byte", Runc, || process("args", json!(["/bin/true", "a\0b"]))),
    case("nul-byte", Runc, || mount(json!({"destination": "/a\0", "type": "tmpfs"}))),
    case("process-text-length", Both, || {
        process("args", json!(["/bin/true", "x".repeat(131_072)]))
    }),
    case("nul-byte", Runc, || linux("maskedPaths", json!(["/proc/\0"]))),
    case("rlimit-name", Both, || {
        process("rlimits", json!([{"type": "RLIMIT_X", "hard": 1, "soft": 1}]))
    }),
    case("rlimit-order", Both, || {
        process("rlimits", json!([{"type": "RLIMIT_CORE", "hard": 1, "soft": 2}]))
    }),
    case("rlimit-files", RuncOfTheRules, || {
        process("rlimits", json!([{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 15}]))
    }),
    case("rlimit-memory", Both, || {
        let one = |value: u32| {
            let is = json!([{"index": 0, "value": value, "op": "SCMP_CMP_EQ"}]);
            json!({"names": ["personality"], "action": "SCMP_ACT_ERRNO", "args": is})
        };
        let calls: Vec<Value> = (0..2000).map(one).collect();
        let mut spec =
            process("rlimits", json!([{"type": "RLIMIT_AS", "hard": 1024, "soft": 1024}]));
        spec["linux"] = json!({"seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": calls}});
        spec
    }),
    case("oom-score-adj", Both, || process("oomScoreAdj", json!(1001))),
    case("capability-name", Nobody, || {
        process("capabilities", json!({"bounding": ["CAP_CHOWN", "CAP_NONSENSE"]}))
    }),
    case("capability-effective", Both, || {
        process("capabilities", json!({"effective": ["CAP_SYS_ADMIN"]}))
    }),
    case("capability-inheritable", Both, || {
        process("capabilities", json!({"inheritable": ["CAP_SYS_ADMIN"]}))
    }),
    case("capability-ambient", Nobody, || {
        process("capabilities", json!({"ambient": ["CAP_CHOWN"]}))
    }),
    case("scheduler-policy", RuncOfTheRules, || scheduler(json!({"policy": "SCHED_X"}))),
    case("scheduler-policy", RuncOfTheRules, || scheduler(json!({"nice": 1}))),
    case("scheduler-flags", RuncOfTheRules, || {
        scheduler(json!({"policy": "SCHED_OTHER", "flags": ["X"]}))
    }),
    case("scheduler-nice", RuncOfTheRules, || {
        scheduler(json!({"policy": "SCHED_OTHER", "nice": 20}))
    }),
    case("scheduler-priority", RuncOfTheRules, || {
        scheduler(json!({"policy": "SCHED_OTHER", "priority": 1}))
    }),
    case("scheduler-priority", RuncOfTheRules, || scheduler(json!({"policy": "SCHED_FIFO"}))),
    case("scheduler-deadline", RuncOfTheRules, || {
        scheduler(json!({"policy": "SCHED_OTHER", "runtime": 1}))
    }),
    case("scheduler-deadline", RuncOfTheRules, || {
        let times =
            json!({"policy": "SCHED_DEADLINE", "runtime": 30, "deadline": 20, "period": 10});
        scheduler(times)
    }),
    case("scheduler-policy", RuncOfTheRules, || scheduler(json!({"policy": "SCHED_ISO"}))),
    case("scheduler-defaults", RuncOfTheRules, || {
        let mut spec = user_namespace(&ids(0, 100_000, 10), &ids(0, 100_000, 10));
        spec["process"] = json!({"scheduler": {"policy": "SCHED_OTHER", "nice": -20}});
        spec
    }),
    case("scheduler-defaults", RuncOfTheRules, || {
        let mut spec = user_namespace(&ids(0, 100_000, 10), &ids(0, 100_000, 10));
        spec["process"] = json!({"scheduler": {"policy": "SCHED_RR", "priority": 1}});
        spec
    }),
    case("scheduler-defaults", RuncOfTheRules, || {
        let flags = ["SCHED_FLAG_KEEP_POLICY"];
        scheduler(json!({"policy": "SCHED_FIFO", "priority": 1, "flags": flags}))
    }),
    case("scheduler-defaults", RuncOfTheRules, || {
        scheduler(
            json!({"policy": "SCHED_DEADLINE", "runtime": 1_000_000, "deadline": 4_194_304_001_u64}),
        )
    }),
    case("scheduler-defaults", RuncOfTheRules, || {
        let times = json!({"policy": "SCHED_DEADLINE", "runtime": 1024, "deadline": 50_000, "period": 99_999});
        scheduler(times)
    }),
    case("user-namespace-scheduling", RuncOfTheRules, || {
        let mut spec = user_namespace(&ids(0, 100_000, 10), &ids(0, 100_000, 10));
        let times =
            json!({"policy": "SCHED_DEADLINE", "runtime": 1_000_000, "deadline": 10_000_000});
        spec["process"] = json!({ "scheduler": times });
        spec
    }),
    case("user-namespace-scheduling", RuncOfTheRules, || {
        let mut spec = user_namespace(&ids(0, 100_000, 10), &ids(0, 100_000, 10));
        spec["process"] = json!({"ioPriority": {"class": "IOPRIO_CLASS_RT", "priority": 7}});
        spec
    }),
    case("io-priority-class", RuncOfTheRules, || {
        process("ioPriority", json!({"class": "X", "priority": 1}))
    }),
    case("io-priority-range", RuncOfTheRules, || {
        process("ioPriority", json!({"class": "IOPRIO_CLASS_BE", "priority": 8}))
    }),
    case("exec-cpu-affinity", RuncOfTheRules, || {
        process("execCPUAffinity", json!({"initial": "x"}))
    }),
    case("exec-cpu-affinity", RuncOfTheRules, || {
        process("execCPUAffinity", json!({"final": "0-65536"}))
    }),
    case("cpu-numbers", RuncBefore16, || process("execCPUAffinity", json!({"final": "0-1024"}))),
    case("cpu-numbers", RuncBefore16, || {
        linux("memoryPolicy", json!({"mode": "MPOL_INTERLEAVE", "nodes": "0,1024"}))
    }),
    case("user-id", Runc, || process("user", json!({"uid": 4_294_967_295_u32}))),
    case("user-id-range", OlderRunc, || process("user", json!({"gid": 2_147_483_648_u32}))),
    case("user-groups", Both, || {
        process("user", json!({"additionalGids": (0..65_537).collect::<Vec<u32>>()}))
    }),
    case("user-mapped", Both, || {
        let mut spec = user_namespace(&ids(0, 100_000, 10), &ids(0, 100_000, 10));
        spec["process"] = json!({"user": {"uid": 50}});
        spec
    }),
    case("root-present", Both, || json!({"root": null})),
    case("root-propagation", Runc, || linux("rootfsPropagation", json!("x"))),
    case("root-propagation-bindable", OlderRunc, || {
        linux("rootfsPropagation", json!("runbindable"))
    }),
    case("root-propagation-bindable", Runc, || {
        let paths = json!(["/proc/bus"]);
        json!({"linux": {"rootfsPropagation": "runbindable", "readonlyPaths": paths}})
    }),
    case("linux-present", Crun, || json!({"linux": null, "hostname": null})),
    case(
        "mounts-present",
        NotRuncOfTheRules,
        || json!({"process": {"capabilities": null}, "mounts": null, "linux": {"maskedPaths": null}}),
    ),
    case("mounts-present", NotRunc15, || json!({"mounts": null, "linux": {"maskedPaths": null}})),
    case("hostname-namespace", Both, || without("uts")),
    case("domainname-namespace", RuncOfTheRules, || {
        let mut spec = without("uts");
        spec["hostname"] = Value::Null;
        spec["domainname"] = json!("d");
        spec
    }),
    case("hostname-length", Both, || json!({"hostname": "h".repeat(65)})),
    case("hostname-length", RuncOfTheRules, || json!({"domainname": "d".repeat(65)})),
    case("mount-type", Both, || mount(json!({"destination": "/data", "source": "tmpfs"}))),
    case("mount-type", Both, || {
        mount(json!({"destination": "/data", "type": "bind", "source": "/tmp"}))
    }),
    case("mount-below-root", Both, || {
        mount(json!({"destination": "/", "type": "tmpfs", "source": "tmpfs"}))
    }),
    case("mount-below-root", NotRuncOfTheRules, || {
        let mounts = json!([{"destination": "/", "type": "proc", "source": "proc"}]);
        let linux = json!({"namespaces": [], "maskedPaths": null});
        json!({"process": {"capabilities": null}, "hostname": null, "mounts": mounts, "linux": linux})
    }),
    case("mount-bind-source", Crun, || {
        mount(json!({"destination": "/data", "type": "bind", "options": ["rbind"]}))
    }),
    case("mount-destination", Nobody, || {
        mount(json!({"destination": "data", "type": "tmpfs", "source": "tmpfs"}))
    }),
    case("mount-once", Nobody, || {
        mount(json!({"destination": "/dev/", "type": "tmpfs", "source": "tmpfs"}))
    }),
    case("mount-on-itself", Both, || {
        let sysfs = json!({"destination": "/sys", "type": "sysfs", "source": "sysfs"});
        let mut spec = mount(sysfs.clone());
        spec["mounts"].as_array_mut().unwrap().push(sysfs);
        spec
    }),
    case("mount-proc-depth", Crun, || {
        mount(json!({"destination": "/dev/x", "type": "sysfs", "source": "sysfs"}))
    }),
    case("mount-dev", Both, || {
        let mut spec = json!({"mounts": base()["mounts"]});
        spec["mounts"][1]["options"] = json!(["nodev"]);
        spec
    }),
    case("mount-dev", Both, || {
        let mut spec = json!({"mounts": base()["mounts"]});
        spec["mounts"][1]["options"] = json!(["nr_inodes=10"]);
        spec
    }),
    case("mount-dev", Crun, || {
        let mut spec = json!({"mounts": base()["mounts"]});
        spec["mounts"][1]["options"] = json!(["rro"]);
        spec
    }),
    case("mount-hidden", Nobody, || {
        let mut spec = base();
        let shm = json!({"destination": "/dev/shm", "type": "tmpfs", "source": "shm"});
        spec["mounts"].as_array_mut().unwrap().insert(1, shm);
        json!({ "mounts": spec["mounts"] })
    }),
    case("terminal-devpts", Both, || process("terminal", json!(true))),
    case("mount-on-null", Both, || mount(json!({"destination": "/dev/null", "type": "tmpfs"}))),
    case("mount-null-source", RuncOfTheRules, || {
        let bind = json!({"destination": "/dev/null", "type": "bind", "source": "/etc/hosts", "options": ["bind"]});
        mount(bind)
    }),
    case("mount-options", Both, || {
        mount(json!({"destination": "/data", "type": "tmpfs", "options": ["mpol=bind"]}))
    }),
    case("mount-bind-options", RuncOfTheRules, || {
        let options = ["bind", "size=1k"];
        mount(json!({"destination": "/data", "type": "bind", "source": "/tmp", "options": options}))
    }),
    case("mount-copied-filesystem", Both, || {
        copying_over(json!({"destination": "/data/sub", "type": "sysfs", "source": "sysfs"}))
    }),
    case("mount-copied-filesystem", RuncOfTheRules, || {
        copying_over(json!({"destination": "/data", "type": "devpts", "source": "devpts"}))
    }),
    case("mount-inside-devpts", Both, || {
        inside("devpts", json!({"destination": "/data/x", "type": "tmpfs", "source": "tmpfs"}))
    }),
    case("mount-inside-devpts", Both, || {
        let options = ["bind"];
        inside(
            "devpts",
            json!({"destination": "/data/0", "source": "/etc/hosts", "options": options}),
        )
    }),
    case("mount-inside-devpts", Both, || {
        inside("mqueue", json!({"destination": "/data/x", "type": "tmpfs", "source": "tmpfs"}))
    }),
    case("mount-copy-up", Crun, || {
        let options = ["bind", "tmpcopyup"];
        mount(json!({"destination": "/data", "type": "bind", "source": "/tmp", "options": options}))
    }),
    case("mount-options", RuncOfTheRules, || tmpfs("acl")),
    case("mount-options", Both, || tmpfs("nofail")),
    case("mount-options", Both, || tmpfs("size=1q")),
    case("mount-options", Both, || tmpfs("mode=8")),
    case("mount-options", Both, || tmpfs("uid=4294967295")),
    case("mount-options", Both, || {
        mount(
            json!({"destination": "/data", "type": "mqueue", "source": "mqueue", "options": ["mode=700"]}),
        )
    }),
    case("mount-options", Both, || {
        mount(
            json!({"destination": "/data", "type": "proc", "source": "proc", "options": ["hidepid=3"]}),
        )
    }),
    case("mount-options", Both, || {
        mount(
            json!({"destination": "/data", "type": "devpts", "source": "devpts", "options": ["size=1m"]}),
        )
    }),
    case("mount-remount", Both, || tmpfs("remount")),
    case("mount-crun-options", RuncOfTheRules, || {
        let options = ["bind", "copy-symlink"];
        mount(json!({"destination": "/data", "type": "bind", "source": "/tmp", "options": options}))
    }),
    case("mount-defaults", NotRunc15, || tmpfs("defaults")),
    case("mount-options", Both, || {
        let options = ["_netdev"];
        mount(
            json!({"destination": "/data", "type": "cgroup2", "source": "cgroup", "options": options}),
        )
    }),
    case("mount-cgroup-options", RuncOnVersion2, || {
        let options = ["_netdev"];
        mount(
            json!({"destination": "/data", "type": "cgroup", "source": "cgroup", "options": options}),
        )
    }),
    case("mount-mapped-bind", Both, || tmpfs("idmap")),
    case("mount-mapped-bind", RuncOfTheRules, || {
        mount(json!({
            "destination": "/data", "type": "tmpfs", "source": "tmpfs",
            "uidMappings": ids(0, 1, 1), "gidMappings": ids(0, 1, 1),
        }))
    }),
    case("mount-mapped-both", RuncOfTheRules, || {
        mount(json!({
            "destination": "/data", "type": "bind", "source": "/tmp", "options": ["bind"],
            "uidMappings": ids(0, 1, 1),
        }))
    }),
    case("mount-proc-type", Runc, || {
        let mounts = json!([{"destination": "/proc", "type": "tmpfs", "source": "tmpfs"}]);
        json!({ "mounts": mounts, "linux": {"maskedPaths": null} })
    }),
    case("mount-proc-type", RuncOfTheRules, || {
        let on_proc = |kind: &str| json!({"destination": "/proc", "type": kind, "source": kind});
        json!({"mounts": [on_proc("sysfs"), on_proc("proc")], "linux": {"maskedPaths": null}})
    }),
    case("mount-inside-proc", Runc, || {
        let options = ["bind"];
        mount(
            json!({"destination": "/proc/sys", "type": "bind", "source": "/tmp", "options": options}),
        )
    }),
    case("mount-inside-proc", RuncOfTheRules, || {
        mount(json!({"destination": "/proc/sys", "type": "tmpfs", "source": "tmpfs"}))
    }),
    case("mount-inside-proc", Both, || {
        mount(json!({"destination": "/proc/uptime", "type": "tmpfs", "source": "tmpfs"}))
    }),
    case("mount-proc", OlderRunc, || {
        let mounts = json!([{"destination": "/dev", "type": "tmpfs", "source": "tmpfs"}]);
        json!({ "process": {"capabilities": null}, "mounts": mounts, "linux": {"maskedPaths": null} })
    }),
    case("mount-proc", NotRunc15, || {
        let mounts = json!([{"destination": "/dev", "type": "tmpfs", "source": "tmpfs"}]);
        json!({ "mounts": mounts, "linux": {"maskedPaths": null} })
    }),
    case("hook-path", Runc, || hook(json!({"path": "true"}))),
    case("hook-timeout", Both, || hook(slow_hook(-1))),
    case("hook-timeout", Both, || hook(slow_hook(i64::MAX))),
    case("hook-timeout", Runc, || json!({"hooks": {"poststart": [slow_hook(0)]}})),
    case("namespace-type", Both, || linux("namespaces", namespaces(&["x"]))),
    case("namespace-time", NotRuncOfTheRules, || linux("namespaces", namespaces(&["time"]))),
    case("namespace-once", Runc, || linux("namespaces", namespaces(&["pid"]))),
    case("namespace-path", Both, || {
        let mut spec = without("network");
        let list = spec["linux"]["namespaces"].as_array_mut().unwrap();
        list.push(json!({"type": "network", "path": "net"}));
        spec
    }),
    case("user-namespace-mappings", Runc, || linux("namespaces", namespaces(&["user"]))),
    case("user-namespace-root", Runc, || {
        let mut spec = user_namespace(&ids(1, 100_000, 10), &ids(1, 100_000, 10));
        spec["process"] = json!({"user": {"uid": 1, "gid": 1}});
        spec
    }),
    case("user-namespace-ranges", Both, || {
        let overlapping = json!([ids(0, 100_000, 10)[0], ids(5, 200_000, 10)[0]]);
        user_namespace(&overlapping, &ids(0, 100_000, 10))
    }),
    case("user-namespace-ranges", Both, || {
        user_namespace(&ids(0, 4_294_967_290, 10), &ids(0, 100_000, 10))
    }),
    case("user-namespace-ranges", Both, || {
        let single = |number| ids(number, 100_000 + number, 1)[0].clone();
        user_namespace(&(0..341).map(single).collect(), &ids(0, 100_000, 10))
    }),
    case("user-namespace-text", Both, || {
        let single = |number| ids(number, 100_000 + number, 1)[0].clone();
        user_namespace(&(0..340).map(single).collect(), &ids(0, 100_000, 10))
    }),
    case("user-namespace-joined", NotHere, || {
        let mut spec = linux("namespaces", namespaces(&["user"]));
        spec["linux"]["namespaces"][5]["path"] = json!("/proc/self/ns/user");
        spec
    }),
    case(
        "user-namespace-used",
        Nobody,
        || json!({"linux": {"uidMappings": ids(0, 1, 1), "gidMappings": ids(0, 1, 1)}}),
    ),
    case("user-namespace-sysfs", Runc, || {
        let sysfs = json!({"destination": "/sys", "type": "sysfs", "source": "sysfs"});
        in_user_namespace_without("network", sysfs)
    }),
    case("user-namespace-sysfs", Runc, || {
        let sysfs = json!({"destination": "/sys", "type": "sysfs", "source": "sysfs"});
        let mut spec = in_user_namespace_without("network", sysfs);
        let list = spec["linux"]["namespaces"].as_array_mut().unwrap();
        list.push(json!({"type": "network", "path": "/proc/self/ns/net"}));
        spec
    }),
    case("user-namespace-proc", Both, || {
        let proc = json!({"destination": "/data", "type": "proc", "source": "proc"});
        let mut spec = in_user_namespace_without("pid", proc);
        spec["mounts"].as_array_mut().unwrap().remove(0);
        spec["mounts"][1]["destination"] = json!("/proc");
        spec
    }),
    case("user-namespace-proc", Runc, || in_user_namespace_that_joins("pid")),
    case("user-namespace-mqueue", Both, || {
        let mqueue = json!({"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue"});
        in_user_namespace_without("ipc", mqueue)
    }),
    case("user-namespace-mount-owner", Runc, || {
        let options = ["newinstance", "ptmxmode=0666", "mode=0620", "gid=50"];
        mapped_mount(
            json!({"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": options}),
        )
    }),
    case("user-namespace-mount-owner", Both, || {
        mapped_mount(
            json!({"destination": "/data", "type": "tmpfs", "source": "tmpfs", "options": ["uid=50"]}),
        )
    }),
    case("user-namespace-mounts", Runc, || in_user_namespace_that_joins("mount")),
    case("user-namespace-name", Both, || in_user_namespace_that_joins("uts")),
    case("user-namespace-name", RuncOfTheRules, || {
        let mut spec = in_user_namespace_that_joins("uts");
        spec["hostname"] = Value::Null;
        spec["domainname"] = json!("d");
        spec
    }),
    case("time-offsets-namespace", RuncOfTheRules, || {
        linux("timeOffsets", json!({"monotonic": {"secs": 1}}))
    }),
    case("time-offsets-own", RuncOfTheRules, || {
        let mut spec = time_namespace(&json!({"monotonic": {"secs": 1}}));
        spec["linux"]["namespaces"][5]["path"] = json!("/proc/self/ns/time");
        spec
    }),
    case("time-offsets-clock", RuncOfTheRules, || time_namespace(&json!({"x": {"secs": 1}}))),
    case("time-offsets-range", RuncOfTheRules, || {
        time_namespace(&json!({"monotonic": {"secs": 1, "nanosecs": 1_000_000_000}}))
    }),
    case("time-offsets-range", RuncOfTheRules, || {
        time_namespace(&json!({"boottime": {"secs": 4_611_686_018_u64}}))
    }),
    case("time-offsets-range", RuncOfTheRules, || {
        time_namespace(&json!({"monotonic": {"secs": i64::MIN}}))
    }),
    case("net-devices-namespace", RuncOfTheRules, || {
        let mut spec = without("network");
        spec["linux"]["netDevices"] = json!({"eth0": {}});
        spec
    }),
    case("hidden-paths-namespace", Runc, || without("mount")),
    case("root-readonly-namespace", NewestRunc, || {
        let mut spec = without("mount");
        spec["linux"]["maskedPaths"] = Value::Null;
        spec["root"] = json!({"readonly": true});
        spec
    }),
    case("mount-readonly-namespace", NewestRunc, || {
        let mut spec = without("mount");
        spec["linux"]["maskedPaths"] = Value::Null;
        spec["mounts"] = base()["mounts"].clone();
        spec["mounts"][1]["options"] = json!(["ro"]);
        spec
    }),
    case("sysctl-host", Both, || linux("sysctl", json!({"vm.swappiness": "1"}))),
    case("sysctl-namespace", Both, || {
        let mut spec = without("network");
        spec["linux"]["sysctl"] = json!({"net/core/somaxconn": "1"});
        spec
    }),
    case("sysctl-namespace", Both, || {
        let mut spec = without("ipc");
        spec["linux"]["sysctl"] = json!({"kernel.shmmax": "1"});
        spec
    }),
    case("sysctl-namespace", Both, || linux("sysctl", json!({"user.max_user_namespaces": "100"}))),
    case("sysctl-runtime-network", Runc, || {
        let mut spec = in_network_of_the_runtime();
        spec["linux"]["sysctl"] = json!({"net.core.somaxconn": "1"});
        spec
    }),
    case("sysctl-user", NotRuncOfTheRules, || {
        let mut spec = user_namespace(&ids(0, 100_000, 10), &ids(0, 100_000, 10));
        spec["linux"]["sysctl"] = json!({"user.max_user_namespaces": "100"});
        spec
    }),
    case("sysctl-owner", Both, || {
        let mut spec = in_user_namespace_that_joins("network");
        spec["linux"]["sysctl"] = json!({"net.core.somaxconn": "1"});
        spec
    }),
    case("sysctl-owner", Both, || {
        let mut spec = user_namespace(&ids(0, 100_000, 10), &ids(0, 100_000, 10));
        spec["linux"]["sysctl"] = json!({"kernel.domainname": "d"});
        spec
    }),
    case("sysctl-ipc-owner", Both, || {
        let mut spec = in_user_namespace_that_joins("ipc");
        spec["linux"]["sysctl"] = json!({"kernel/shmmax": "1"});
        spec
    }),
    case("sysctl-field", Both, || linux("sysctl", json!({"kernel.hostname": "x"}))),
    case("sysctl-ping-groups", Both, || {
        linux("sysctl", json!({"net.ipv4.ping_group_range": "0 x"}))
    }),
    case("sysctl-ping-groups", Both, || {
        let mut spec = user_namespace(&ids(0, 100_000, 10), &ids(0, 100_000, 10));
        spec["linux"]["sysctl"] = json!({"net/ipv4/ping_group_range": "0 10"});
        spec
    }),
    case("device-type", Runc, || {
        linux("devices", json!([{"path": "/dev/x", "type": "z", "major": 1, "minor": 3}]))
    }),
    case("device-number", Runc, || {
        linux("devices", json!([{"path": "/dev/x", "type": "c", "major": -1, "minor": 3}]))
    }),
    case("device-number-size", RuncOfTheRules, || {
        linux("devices", json!([{"path": "/dev/x", "type": "c", "major": 4096, "minor": 3}]))
    }),
    case("device-number-size", RuncOfTheRules, || {
        linux("devices", json!([{"path": "/dev/x", "type": "b", "major": 1, "minor": 1_048_576}]))
    }),
    case("device-pipe-number", RuncOfTheRules, || {
        linux("devices", json!([{"path": "/dev/x", "type": "p", "major": 0, "minor": 3}]))
    }),
    case("device-place", Both, || {
        linux("devices", json!([{"path": "/proc/x", "type": "c", "major": 1, "minor": 3}]))
    }),
    case("device-place", Both, || {
        let mounts = json!([
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "mqueue", "source": "mqueue"},
        ]);
        json!({ "mounts": mounts })
    }),
    case("device-rule-access", Runc, || resources("devices", json!([{"allow": false}]))),
    case("device-rule-number", RuncOnVersion1, || {
        let rule = json!({"allow": true, "type": "c", "major": -2, "minor": 3, "access": "rwm"});
        resources("devices", json!([rule]))
    }),
    case("device-rule-all", Nobody, || {
        let rule = json!({"allow": true, "major": 1, "minor": 3, "access": "rwm"});
        resources("devices", json!([rule]))
    }),
    case("device-rule-all", Nobody, || {
        resources("devices", json!([{"allow": true, "type": "a", "access": "r"}]))
    }),
    case("device-rule-letters", Nobody, || {
        resources("devices", json!([{"allow": false, "access": "rwmx"}]))
    }),
    case("device-rule-type", Runc, || {
        resources("devices", json!([{"allow": false, "type": "p", "access": "rwm"}]))
    }),
    case("device-rule-part", Runc, || {
        let all = json!({"allow": true, "type": "c", "major": 1, "access": "rwm"});
        let one = json!({"allow": false, "type": "c", "major": 1, "minor": 3, "access": "m"});
        resources("devices", json!([all, one]))
    }),
    case("device-rule-part", Runc, || {
        let all = json!({"allow": true, "access": "rwm"});
        let one = json!({"allow": false, "type": "c", "major": 1, "access": "rwm"});
        resources("devices", json!([all, one]))
    }),
    case("device-null-number", RuncOfTheRules, || {
        linux("devices", json!([{"path": "/dev/null", "type": "p"}]))
    }),
    case("device-null", Runc, || {
        linux("devices", json!([{"path": "/dev/null", "type": "c", "major": 1, "minor": 3}]))
    }),
    case("device-null", Runc, || {
        let rules = json!([{"allow": true, "type": "c", "major": 1, "minor": 3, "access": "r"}]);
        let mut spec = resources("devices", rules);
        spec["linux"]["devices"] =
            json!([{"path": "/dev/null", "type": "c", "major": 1, "minor": 3}]);
        spec
    }),
    case("memory-amount", RuncOnVersion1, || resources("memory", json!({"limit": -2}))),
    case("memory-least", RuncOnVersion1, || resources("memory", json!({"limit": 1_000_000}))),
    case("memory-kernel", Crun, || resources("memory", json!({"kernelTCP": 104_857_600}))),
    case("block-io-device", RuncOnVersion1, || {
        resources(
            "blockIO",
            json!({"throttleReadBpsDevice": [{"major": -1, "minor": 0, "rate": 1}]}),
        )
    }),
    case("device-at-directory", Runc, || {
        linux("devices", json!([{"path": "/dev", "type": "c", "major": -1, "minor": 0}]))
    }),
    case("mount-cgroup-in-proc", RuncOnVersion1, || {
        let mut mounts = base()["mounts"].clone();
        let mount = json!({"destination": "/proc/uptime", "type": "cgroup", "source": "cgroup"});
        mounts.as_array_mut().unwrap().insert(0, mount);
        json!({ "mounts": mounts })
    }),
    case("mount-default-options", Crun, || {
        mount(json!({"destination": "/dev/pts", "type": "tmpfs", "source": "tmpfs"}))
    }),
    case("memory-swap-alone", CrunHere, || resources("memory", json!({"swap": 0}))),
    case("memory-swap", RuncOnVersion1, || {
        resources("memory", json!({"limit": 104_857_600, "swap": 52_428_800}))
    }),
    case("memory-swap", RuncOnVersion1, || resources("memory", json!({"swap": 52_428_800}))),
    case("memory-swappiness", RuncOnVersion1, || {
        resources("memory", json!({"limit": 104_857_600, "swappiness": 101}))
    }),
    case("cpu-period", RuncOnVersion1, || resources("cpu", json!({"period": 999}))),
    case("cpu-quota", RuncOnVersion1, || resources("cpu", json!({"quota": 999}))),
    case("cpu-realtime", RuncOnVersion1, || {
        resources("cpu", json!({"realtimeRuntime": 200_000, "realtimePeriod": 100_000}))
    }),
    case("cpu-realtime", RuncOnVersion1, || {
        resources("cpu", json!({"realtimeRuntime": 1_000_001}))
    }),
    case("cpu-realtime", RuncOnVersion1, || {
        resources("cpu", json!({"realtimePeriod": 18_446_744_073_709_552_u64}))
    }),
    case("cpu-burst", RuncOfTheRules, || {
        resources("cpu", json!({"period": 100_000, "quota": 5_000, "burst": 10_000}))
    }),
    case("pids-limit", RuncOnVersion1, || resources("pids", json!({"limit": 4_194_305}))),
    case("cpu-shares", RuncOnVersion1, || resources("cpu", json!({"shares": 1}))),
    case("cpu-idle", RuncOfTheRules, || resources("cpu", json!({"idle": 2}))),
    case("cpu-lists", RuncOnVersion1, || resources("cpu", json!({"cpus": "1-0"}))),
    case("hugepage-size", Runc, || {
        resources("hugepageLimits", json!([{"pageSize": "2 MB", "limit": 1}]))
    }),
    case("unified-name", Both, || resources("unified", json!({"a/b.c": "1"}))),
    case("unified-number", Both, || resources("unified", json!({"cgroup.max.depth": "x"}))),
    case("unified-processes", Runc, || resources("unified", json!({"cgroup.procs": "x"}))),
    case("hidden-paths-bindable", Runc, || {
        json!({
            "mounts": [
                {"destination": "/proc", "type": "proc", "source": "proc"},
                {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["unbindable"]},
            ],
            "linux": {"maskedPaths": ["/proc/version"]},
        })
    }),
    case("hidden-paths-bindable", Runc, || {
        json!({
            "mounts": [
                {"destination": "/proc", "type": "proc", "source": "proc", "options": ["unbindable"]},
                {"destination": "/dev", "type": "tmpfs", "source": "tmpfs"},
            ],
            "linux": {"readonlyPaths": ["/proc/sys"]},
        })
    }),
    case("masked-last-capability", NewestRunc, || linux("maskedPaths", json!(["/proc/sys"]))),
    case("seccomp-action", Both, || filter("defaultAction", json!("X"))),
    case("seccomp-action", Both, || call("action", json!("X"))),
    case("seccomp-default", Crun, || linux("seccomp", json!({"defaultAction": ""}))),
    case("seccomp-architecture", Both, || filter("architectures", json!(["SCMP_ARCH_X"]))),
    case("seccomp-architecture-runc", Runc, || filter("architectures", json!(["SCMP_ARCH_M68K"]))),
    case("seccomp-architecture-runc", OlderRunc, || {
        filter("architectures", json!(["SCMP_ARCH_RISCV64"]))
    }),
    case("seccomp-flag", Both, || filter("flags", json!(["X"]))),
    case("seccomp-no-flags", OlderRunc, || filter("flags", json!(["SECCOMP_FILTER_FLAG_LOG"]))),
    case("seccomp-operator", Both, || argument("op", json!("X"))),
    case("seccomp-operator", Runc, || {
        let argument = json!({"index": 0, "value": 1, "op": "X"});
        let call = json!({"names": ["acct"], "action": "SCMP_ACT_ALLOW", "args": [argument]});
        filter("syscalls", json!([call]))
    }),
    case("seccomp-argument", Both, || argument("index", json!(6))),
    case("seccomp-getcwd", Runc, || {
        filter("syscalls", json!([{"names": ["getcwd"], "action": "SCMP_ACT_ERRNO"}]))
    }),
    case("seccomp-statx", RuncOfTheRules, || {
        filter("syscalls", json!([{"names": ["statx"], "action": "SCMP_ACT_ERRNO"}]))
    }),
    case("seccomp-name", Runc, || call("names", json!([""]))),
    case("seccomp-errno", Crun, || filter("defaultErrnoRet", json!(1))),
    case("seccomp-errno-range", Both, || call("errnoRet", json!(4095))),
    case("seccomp-errno-range", Both, || call("errnoRet", json!(4096))),
    case("seccomp-errno-range", Crun, || call("errnoRet", json!(4_294_967_296_u64))),
    case("seccomp-notify", Both, || {
        let filter = json!({"defaultAction": "SCMP_ACT_NOTIFY", "listenerPath": "/x"});
        linux("seccomp", filter)
    }),
    case("seccomp-notify", Runc, || {
        let filter = json!({"defaultAction": "SCMP_ACT_NOTIFY", "listenerPath": "/x"});
        json!({"process": {"noNewPrivileges": true}, "linux": {"seccomp": filter}})
    }),
    case("seccomp-listener", Runc, || call("action", json!("SCMP_ACT_NOTIFY"))),
    case("rdt-class", Runc, || linux("intelRdt", json!({"closID": "a/b"}))),
    case("rdt-default-class", NotHere, || linux("intelRdt", json!({"closID": "/"}))),
    case("personality", RuncOfTheRules, || linux("personality", json!({"domain": "X"}))),
    case("annotation-key", Nobody, || json!({"annotations": {"": "x"}})),
    case("nul-byte", Runc, || hook(json!({"path": "/bin/true", "args": ["a\0b"]}))),
    case("nul-byte", Runc, || {
        linux("devices", json!([{"path": "/dev/x\0", "type": "c", "major": 1, "minor": 3}]))
    }),
    case("nul-byte", Runc, || {
        mount(
            json!({"destination": "/data", "type": "tmpfs", "source": "tmpfs", "options": ["size=1k\0"]}),
        )
    }),
    case("rlimit-once", Nobody, || {
        let limit = json!({"type": "RLIMIT_CORE", "hard": 2, "soft": 1});
        process("rlimits", json!([limit, limit]))
    }),
    case("scheduler-deadline", RuncOfTheRules, || {
        scheduler(
            json!({"policy": "SCHED_DEADLINE", "runtime": 1023, "deadline": 10_000_000, "period": 20_000_000}),
        )
    }),
    case("exec-cpu-affinity", RuncOfTheRules, || {
        process("execCPUAffinity", json!({"initial": "all"}))
    }),
    case("user-umask", Nobody, || process("user", json!({"umask": 0o1000}))),
    case("mount-mapped-ranges", RuncOfTheRules, || {
        mount(json!({
            "destination": "/data", "type": "bind", "source": "/tmp", "options": ["bind"],
            "uidMappings": ids(0, 0, 0), "gidMappings": ids(0, 0, 1),
        }))
    }),
    case("hook-env", Nobody, || hook(json!({"path": "/bin/true", "env": ["LANG"]}))),
    case("net-device-name", RuncOfTheRules, || linux("netDevices", json!({"eth:0": {}}))),
    case("net-device-name", RuncOfTheRules, || linux("netDevices", json!({"lo": {"name": "x"}}))),
    case("net-device-once", RuncOfTheRules, || {
        linux("netDevices", json!({"a": {"name": "b"}, "b": {}}))
    }),
    case("hidden-paths-below-node", Both, || linux("maskedPaths", json!(["/dev/null/x"]))),
    case("hidden-paths-below-node", Both, || {
        let node = json!({"path": "/x/y", "type": "c", "major": 1, "minor": 3});
        json!({"linux": {"devices": [node], "readonlyPaths": ["/x/y/z"]}})
    }),
    case("hidden-paths-absolute", Nobody, || linux("maskedPaths", json!(["proc/kcore"]))),
    case("sysctl-name", Both, || linux("sysctl", json!({"net.core.a b": "1"}))),
    case("sysctl-name", RuncOfTheRules, || linux("sysctl", json!({"net.ipv4.ip_forward.": "1"}))),
    case("device-mode", Crun, || {
        let node =
            json!({"path": "/dev/x", "type": "c", "major": 1, "minor": 3, "fileMode": u32::MAX});
        linux("devices", json!([node]))
    }),
    case("device-path-end", Crun, || {
        linux("devices", json!([{"path": "/x/y/", "type": "c", "major": 1, "minor": 3}]))
    }),
    case("mount-proc-links", OlderRunc, || {
        let proc = json!({"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosymfollow"]});
        json!({"mounts": [proc, base()["mounts"][1]]})
    }),
    case("device-path", Crun, || {
        linux("devices", json!([{"path": "dev/x", "type": "c", "major": 1, "minor": 3}]))
    }),
    case("block-io-weight", RuncOnVersion1, || resources("blockIO", json!({"weight": 1001}))),
    case("network-priority-name", RuncOnVersion1, || {
        resources("network", json!({"priorities": [{"name": "a b", "priority": 1}]}))
    }),
    case("rdma-device-name", RuncOnVersion1, || {
        resources("rdma", json!({"a b": {"hcaHandles": 1}}))
    }),
    case("unified-name", Both, || resources("unified", json!({"memory": "1"}))),
    case("rdt-schemata", NotHere, || linux("intelRdt", json!({"schemata": ["x"]}))),
    case("memory-policy-mode", RuncOfTheRules, || {
        linux("memoryPolicy", json!({"mode": "MPOL_X", "nodes": "0"}))
    }),
    case("memory-policy-nodes", RuncOfTheRules, || {
        linux("memoryPolicy", json!({"mode": "MPOL_BIND", "nodes": ""}))
    }),
    case("memory-policy-nodes", RuncOfTheRules, || {
        linux("memoryPolicy", json!({"mode": "MPOL_INTERLEAVE", "nodes": "65536"}))
    }),
    case("memory-policy-flags", RuncOfTheRules, || {
        linux("memoryPolicy", json!({"mode": "MPOL_BIND", "nodes": "0", "flags": ["X"]}))
    }),
    case("memory-policy-flags", RuncOfTheRules, || {
        linux("memoryPolicy", json!({"mode": "MPOL_LOCAL", "flags": ["MPOL_F_RELATIVE_NODES"]}))
    }),
    case("memory-policy-flags", RuncOfTheRules, || {
        linux("memoryPolicy", json!({"mode": "MPOL_PREFERRED", "flags": ["MPOL_F_STATIC_NODES"]}))
    }),
];
