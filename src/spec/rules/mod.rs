//! Rules on a finished spec: what would fail in the runtime fails here, all at once and with its place.
//!
//! A spec is checked after every change to it, so the rules hold for profiles, options, merge patches and
//! `specd validate` alike. What depends on the machine (which namespaces exist, how much memory it has) is left
//! to the runtime, except for facts of the host that are stated: `host` has the rules on them.
//!
//! Invariant: a rule that refuses is one by which a runtime fails for certain, or its source says why it refuses
//! all the same.

mod annotations;
mod capabilities;
mod clean_paths;
mod cpu_list;
mod device_access;
mod devices;
mod filesystem_options;
mod hidden_mounts;
mod hooks;
mod host;
mod limits;
mod memory_policy;
mod mount_options;
mod mounts;
mod namespaces;
mod process;
mod rdt;
mod repeated;
mod resources;
mod scheduling;
pub(super) mod seccomp;
mod seccomp_needs;
mod shape;
mod sysctl;
mod table;
mod unbindable;
mod unified;
mod user;
mod user_namespace;
mod version;

pub use host::HOST_RULES;
pub use table::RULES;

use crate::domain::host_facts::HostFacts;
use crate::oci::{Place, Spec, WrongType, json};
use crate::spec::allowance::Allowance;
use crate::spec::error::SpecError;
use serde_json::Value;
use std::fmt;

/// The most findings of one rule. A spec that breaks a rule more often is wrong in one way, not in many.
const MOST_FINDINGS: usize = 100;

/// A rule on finished specs.
#[derive(Debug)]
pub struct Rule {
    /// The name, which does not change.
    pub name: &'static str,
    /// What holds, in a sentence.
    pub sentence: &'static str,
    /// Who refuses a spec that breaks the rule, and where that is written.
    pub source: &'static str,
    /// Whether a spec that breaks the rule is refused, or only warned of.
    pub refuses: bool,
    check: Check,
}

/// What finds the places that break a rule.
#[derive(Debug)]
enum Check {
    /// In a spec.
    Spec(fn(&Spec, &mut Findings)),
    /// In a spec, on the host that will run it.
    Host(fn(&Spec, &HostFacts, &mut Findings)),
}

impl Rule {
    /// Whether the rule is specd's own: a runtime starts a spec that breaks it, but not as requested.
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.source.starts_with("ours: ")
    }
}

/// A broken rule.
#[derive(Debug, Clone)]
pub struct Broken {
    /// The rule.
    pub rule: &'static Rule,
    /// Where in the spec.
    pub place: Place,
    /// What is wrong there and what would be right.
    pub description: String,
    /// The other place, where two contradict each other.
    pub against: Option<Place>,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (place, description) = (self.place.to_string(), &self.description);
        if place.is_empty() {
            f.write_str(description)
        } else {
            write!(f, "{place}: {description}")
        }
    }
}

/// What the check of one rule finds, up to [`MOST_FINDINGS`].
#[derive(Debug)]
struct Findings {
    rule: &'static Rule,
    broken: Vec<Broken>,
}

impl Findings {
    /// Notes what is wrong at a place.
    fn add(&mut self, place: Place, description: impl fmt::Display) {
        self.push(place, None, &description);
    }

    /// Notes that a place contradicts another.
    fn add_contradiction(&mut self, place: Place, against: Place, description: impl fmt::Display) {
        self.push(place, Some(against), &description);
    }

    fn push(&mut self, place: Place, against: Option<Place>, description: &dyn fmt::Display) {
        if self.broken.len() < MOST_FINDINGS {
            let description = description.to_string();
            self.broken.push(Broken { rule: self.rule, place, description, against });
        }
    }
}

/// Every rule that a spec breaks by itself or on the host that will run it, in the order of the rules.
#[must_use]
pub fn find_broken(spec: &Spec, host: &HostFacts) -> Vec<Broken> {
    // Without a limit there is no error.
    find_broken_while(spec, host, Allowance::UNLIMITED).unwrap_or_default()
}

/// The same, as long as the result is wanted.
pub(super) fn find_broken_while(
    spec: &Spec,
    host: &HostFacts,
    allowance: Allowance<'_>,
) -> Result<Vec<Broken>, SpecError> {
    let mut broken = Vec::new();
    for rule in RULES.iter().chain(&HOST_RULES) {
        allowance.check()?;
        let mut findings = Findings { rule, broken: Vec::new() };
        match rule.check {
            Check::Spec(check) => check(spec, &mut findings),
            Check::Host(check) => check(spec, host, &mut findings),
        }
        broken.append(&mut findings.broken);
    }
    Ok(broken)
}

/// Every rule that a spec in JSON breaks. Where a value has a wrong type, that is all that is reported.
#[must_use]
pub fn find_broken_in_json(json: Value) -> Vec<Broken> {
    match json::from_value::<Spec>(json) {
        Ok(spec) => find_broken(&spec, &HostFacts::default()),
        Err(wrong) => wrong.into_iter().take(MOST_FINDINGS).map(wrong_type).collect(),
    }
}

/// The rule that a value of a wrong type breaks. Types are checked where JSON is read.
pub(crate) fn wrong_type(WrongType { place, expected }: WrongType) -> Broken {
    let description = format!("must be {expected}");
    Broken { rule: &table::FIELD_TYPE, place, description, against: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    /// A spec that keeps every rule, with something of each section.
    fn spec() -> Value {
        json!({
            "ociVersion": "1.2.0",
            "process": {
                "user": {"uid": 0, "gid": 0, "additionalGids": [1, 2]},
                "args": ["sh"], "env": ["PATH=/bin"], "cwd": "/",
                "capabilities": {"bounding": ["CAP_CHOWN"], "permitted": ["CAP_CHOWN"]},
                "rlimits": [{"type": "RLIMIT_CORE", "hard": 2, "soft": 1}],
                "scheduler": {"policy": "SCHED_BATCH", "nice": 1},
                "ioPriority": {"class": "IOPRIO_CLASS_BE", "priority": 7},
            },
            "root": {"path": "rootfs"},
            "hostname": "h",
            "mounts": [
                {"destination": "/proc", "type": "proc", "source": "proc"},
                {"destination": "/a", "source": "/b", "options": ["rbind", "ro"]},
            ],
            "hooks": {"prestart": [{"path": "/bin/true", "timeout": 1}]},
            "linux": {
                "namespaces": [{"type": "mount"}, {"type": "uts"}, {"type": "user"}, {"type": "time"}, {"type": "pid"}],
                "uidMappings": [{"containerID": 0, "hostID": 0, "size": 10}],
                "gidMappings": [{"containerID": 0, "hostID": 1000, "size": 10}],
                "timeOffsets": {"monotonic": {"secs": -1, "nanosecs": 5}},
                "sysctl": {"kernel.domainname": "d"},
                "devices": [{"path": "/dev/x", "type": "c", "major": 1, "minor": 3}],
                "resources": {
                    "memory": {"limit": 6_291_456, "swap": 6_291_456},
                    "cpu": {"quota": 5000, "period": 10000, "burst": 1000, "cpus": "0-1"},
                    "devices": [{"allow": true, "type": "c", "access": "rwm"}],
                    "unified": {"memory.high": "1"},
                },
                "seccomp": {
                    "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1,
                    "syscalls": [{
                        "names": ["getcwd", "statx"], "action": "SCMP_ACT_ALLOW",
                        "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}],
                    }],
                },
            },
        })
    }

    /// What is wrong with a spec, without the warning of its time namespace.
    fn found(spec: Value) -> Vec<Broken> {
        let mut broken = find_broken_in_json(spec);
        broken.retain(|one| one.rule.name != "namespace-time");
        broken
    }

    /// Every place of a value, as a JSON pointer.
    fn pointers(value: &Value, at: &str, all: &mut Vec<String>) {
        all.push(at.to_owned());
        match value {
            Value::Array(list) => {
                for (index, inner) in list.iter().enumerate() {
                    pointers(inner, &format!("{at}/{index}"), all);
                }
            }
            Value::Object(object) => {
                for (key, inner) in object {
                    pointers(inner, &format!("{at}/{key}"), all);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    /// The names of the rules that a spec breaks after a change at a place.
    fn broken_after(pointer: &str, value: Value) -> Vec<&'static str> {
        let mut spec = spec();
        set(&mut spec, pointer, value);
        found(spec).iter().map(|one| one.rule.name).collect()
    }

    /// Sets a value, and the objects around it where they are absent.
    fn set(spec: &mut Value, pointer: &str, value: Value) {
        let mut at = spec;
        for key in pointer.split('/').skip(1) {
            at = if at.is_array() {
                let (index, list): (usize, _) = (key.parse().unwrap(), at.as_array_mut().unwrap());
                if index == list.len() {
                    list.push(Value::Null);
                }
                &mut list[index]
            } else {
                &mut at[key]
            };
        }
        *at = value;
    }

    fn shown(spec: Value) -> Vec<String> {
        found(spec).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_whole_spec_keeps_every_rule() {
        assert_eq!(shown(spec()), Vec::<String>::new());
    }

    #[test]
    fn mounts_are_judged_with_those_that_come_later() {
        let proc = json!({"destination": "/proc", "type": "proc"});
        let on_null = json!({"destination": "/dev/./null", "type": "tmpfs"});
        let dev = json!({"destination": "/dev", "type": "tmpfs"});
        let groups = json!({"destination": "/proc/uptime", "type": "cgroup"});
        let at = |destination: &str, kind: &str| json!({"destination": destination, "type": kind});
        let bind = |destination: &str| json!({"destination": destination, "source": "/x", "options": ["bind"]});
        let copying =
            json!({"destination": "/./a", "type": "tmpfs", "options": ["ro", "tmpcopyup"]});
        let (on, below, beside) = (at("/a", "cgroup"), at("/a/b/c", "devpts"), at("/a-b", "proc"));
        for (mounts, rules) in [
            (json!([proc, on, copying]), &["mount-once", "mount-copied-filesystem"][..]),
            (json!([proc, below, copying]), &["mount-hidden", "mount-copied-filesystem"]),
            (json!([proc, below, at("/a", "tmpfs"), copying]), &["mount-once", "mount-hidden"]),
            (json!([proc, below, at("/a/b", "tmpfs"), copying]), &["mount-hidden", "mount-hidden"]),
            (json!([proc, at("/a/b", "ramfs"), copying]), &["mount-hidden"]),
            (json!([proc, copying, below, beside]), &[]),
            (json!([proc, beside, copying]), &[]),
            (json!([proc, dev, on_null]), &["mount-on-null"]),
            (json!([proc, at("/a", "devpts"), at("/a//b/c", "tmpfs")]), &["mount-inside-devpts"]),
            (
                json!([proc, at("/a", "mqueue"), at("/a/b", "tmpfs")]),
                &["mount-inside-devpts", "user-namespace-mqueue"],
            ),
            (json!([proc, at("/a", "mqueue"), bind("/a/b")]), &["user-namespace-mqueue"]),
            (json!([proc, at("/a", "devpts"), bind("/a/b")]), &["mount-inside-devpts"]),
            (json!([proc, at("/a", "devpts"), bind("/a/ptmx"), at("/ab", "tmpfs")]), &[]),
            (json!([proc, at("/a", "devpts"), at("/a", "tmpfs"), bind("/a/b")]), &["mount-once"]),
            (json!([proc, on_null, dev]), &["mount-hidden"]),
            (json!([groups, proc]), &["mount-hidden", "mount-cgroup-in-proc"]),
        ] {
            let mut spec = spec();
            spec["mounts"] = mounts.clone();
            let broken = found(spec);
            let names: Vec<&str> = broken.iter().map(|it| it.rule.name).collect();
            assert_eq!(names, rules, "{mounts}: {broken:?}");
        }
    }

    #[test]
    fn hidden_paths_bind_nothing_of_an_unbindable_mount() {
        for (kind, options, hidden, place) in [
            ("proc", json!(["unbindable"]), "readonlyPaths", Some("linux.readonlyPaths[0]")),
            ("dev", json!(["shared", "runbindable"]), "maskedPaths", Some("linux.maskedPaths")),
            ("proc", json!(["unbindable", "private"]), "readonlyPaths", None),
            ("dev", json!(["unbindable"]), "readonlyPaths", None),
            ("proc", json!(["unbindable"]), "maskedPaths", None),
        ] {
            let mut spec = spec();
            let mount =
                json!({"destination": format!("/{kind}"), "type": "tmpfs", "options": options});
            spec["mounts"][usize::from(kind == "dev")] = mount;
            spec["mounts"][0]["type"] = json!("proc");
            spec["linux"][hidden] = json!(["/proc/../proc/irq"]);
            let broken = found(spec);
            let places: Vec<String> = broken.iter().map(|it| it.place.to_string()).collect();
            assert_eq!(places, Vec::from_iter(place), "{kind} {hidden}: {broken:?}");
        }
    }

    #[test]
    fn names_are_words_and_are_listed_once() {
        for (index, rule) in RULES.iter().enumerate() {
            let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            assert!(rule.name.bytes().all(word), "{}", rule.name);
            assert!(rule.sentence.ends_with('.') && !rule.source.is_empty(), "{}", rule.name);
            assert!(RULES[..index].iter().all(|other| other.name != rule.name), "{}", rule.name);
        }
    }

    #[test]
    fn places_and_contradictions_are_reported() {
        let mut wrong = spec();
        wrong["mounts"][1]["options"][1] = json!("size=1k");
        wrong["linux"]["namespaces"][1]["type"] = json!("ipc");
        wrong["linux"]["sysctl"]["net.core.somaxconn"] = json!("1");
        assert_eq!(
            shown(wrong.clone()),
            [
                "hostname: needs a private uts namespace",
                r#"mounts[1].options[1]: "size=1k" is not an option of a bind mount"#,
                r#"linux.sysctl["kernel.domainname"]: needs a private uts namespace"#,
                r#"linux.sysctl["net.core.somaxconn"]: needs a private network namespace"#,
            ]
        );
        let broken = found(wrong);
        let against = broken[0].against.as_ref().unwrap().to_string();
        assert_eq!((against.as_str(), &broken[1].against), ("linux.namespaces.uts", &None));
    }

    #[test]
    fn an_empty_spec_lacks_what_runtimes_need() {
        let names: Vec<_> = find_broken(&Spec::default(), &HostFacts::default())
            .iter()
            .map(|one| one.rule.name)
            .collect();
        let missing = ["process-present", "root-present", "linux-present", "mounts-present"];
        assert_eq!(names, [&["oci-version"], &missing[..]].concat());
        assert_eq!(found(json!([]))[0].to_string(), "must be an object");
    }

    #[test]
    fn a_rule_has_so_many_findings_at_most() {
        let mut wrong = spec();
        wrong["process"]["args"] = json!(["/bin/sh"]);
        wrong["process"]["env"] = vec!["x"; 10_000].into();
        wrong["process"]["user"]["additionalGids"] = vec![9; 1000].into();
        assert_eq!(found(wrong.clone()).len(), MOST_FINDINGS);
        wrong["process"]["env"] = vec![1; 10_000].into();
        assert_eq!(found(wrong).len(), MOST_FINDINGS);
    }

    #[test]
    fn required_strings_are_not_empty() {
        for pointer in [
            "/root/path",
            "/mounts/0/destination",
            "/hooks/prestart/0/path",
            "/linux/devices/0/path",
        ] {
            for value in [Value::Null, json!("")] {
                let names = broken_after(pointer, value);
                assert!(names.contains(&"required-field"), "{pointer}");
                assert!(names.iter().all(|name| ["required-field", "mount-proc"].contains(name)));
            }
        }
        let resources = "/linux/resources";
        let limit = json!([{"limit": 1}]);
        assert_eq!(broken_after(&format!("{resources}/hugepageLimits"), limit), ["required-field"]);
        let network = json!({"priorities": [{"name": "", "priority": 1}]});
        assert_eq!(broken_after(&format!("{resources}/network"), network), ["required-field"]);
    }

    #[test]
    fn rules_that_only_requests_had_are_checked_on_specs() {
        let limit = json!({"type": "RLIMIT_CORE", "hard": 2, "soft": 1});
        let mapped = |ranges: Value| {
            json!({
                "destination": "/b", "source": "/b", "options": ["bind"],
                "uidMappings": ranges, "gidMappings": [{"size": 1}],
            })
        };
        let cases = [
            ("rlimit-once", "/process/rlimits", json!([limit, limit])),
            ("process-path", "/process/env", json!([])),
            ("mount-on-null", "/mounts/1", json!({"destination": "/dev/./null", "type": "tmpfs"})),
            ("process-path", "/process/env", json!(["PATH=/bin", "PATH=:bin"])),
            (
                "rlimit-files",
                "/process/rlimits",
                json!([{"type": "RLIMIT_NOFILE", "hard": 20, "soft": 15}]),
            ),
            ("unified-number", "/linux/resources/unified", json!({"cgroup.max.depth": "x"})),
            ("unified-processes", "/linux/resources/unified", json!({"cgroup.threads": "1"})),
            (
                "block-io-device",
                "/linux/resources/blockIO",
                json!({"throttleReadIOPSDevice": [{"major": 8, "minor": -1, "rate": 1}]}),
            ),
            ("device-at-directory", "/linux/devices/0/path", json!("/dev/.")),
            (
                "mount-default-options",
                "/mounts/1",
                json!({"destination": "/dev/shm", "type": "ramfs"}),
            ),
            ("memory-swap-alone", "/linux/resources/memory", json!({"swap": 0})),
            ("masked-last-capability", "/linux/maskedPaths", json!(["/proc/sys/"])),
            (
                "seccomp-statx",
                "/linux/seccomp/syscalls",
                json!([{"names": ["getcwd"], "action": "SCMP_ACT_ALLOW"}]),
            ),
            ("user-umask", "/process/user/umask", json!(0o1000)),
            ("mount-mapped-ranges", "/mounts/1", mapped(json!([{"size": 0}]))),
            (
                "mount-mapped-ranges",
                "/mounts/1",
                mapped(json!([{"size": 2}, {"containerID": 1, "size": 1}])),
            ),
            ("hook-env", "/hooks/prestart/0/env", json!(["A=1", "B"])),
            ("hook-env", "/hooks/prestart/0/env", json!(["=x"])),
            ("device-rule-number", "/linux/resources/devices/0/minor", json!(-2)),
            ("cpu-realtime", "/linux/resources/cpu/realtimeRuntime", json!(1_000_001)),
            ("sysctl-user", "/linux/sysctl", json!({"user.max_user_namespaces": "1"})),
            ("user-namespace-sysfs", "/mounts/1", json!({"destination": "/sys", "type": "sysfs"})),
            ("user-namespace-mqueue", "/mounts/1", json!({"destination": "/q", "type": "mqueue"})),
            (
                "user-namespace-mount-owner",
                "/mounts/1",
                json!({"destination": "/t", "type": "tmpfs", "options": ["uid=9", "gid=10"]}),
            ),
            ("nul-byte", "/hooks/prestart/0/args", json!(["a\0b"])),
            ("nul-byte", "/mounts/0/options", json!(["a\0b"])),
            ("nul-byte", "/linux/namespaces/5", json!({"type": "cgroup", "path": "/\0"})),
            ("hidden-paths-absolute", "/linux/maskedPaths", json!(["/proc/kcore", "proc/keys"])),
            ("device-path", "/linux/devices/0/path", json!("dev/x")),
            ("device-rule-letters", "/linux/resources/devices/0/access", json!("rx")),
            ("block-io-weight", "/linux/resources/blockIO", json!({"weight": 9})),
            (
                "block-io-weight",
                "/linux/resources/blockIO",
                json!({"weightDevice": [{"leafWeight": 1001}]}),
            ),
            (
                "network-priority-name",
                "/linux/resources/network",
                json!({"priorities": [{"name": "a b"}]}),
            ),
            ("rdma-device-name", "/linux/resources/rdma", json!({"": {"hcaHandles": 1}})),
            ("memory-kernel", "/linux/resources/memory/kernelTCP", json!(-2)),
            ("rdt-schemata", "/linux/intelRdt", json!({"schemata": ["L3:0=f", "0=f"]})),
            ("rdt-schemata", "/linux/intelRdt", json!({"schemata": ["L3:0=f\nMB:0=1"]})),
            ("memory-policy-mode", "/linux/memoryPolicy", json!({"mode": "MPOL_X", "nodes": "0"})),
            ("memory-policy-mode", "/linux/memoryPolicy", json!({})),
            ("memory-policy-nodes", "/linux/memoryPolicy", json!({"mode": "MPOL_BIND"})),
            (
                "memory-policy-nodes",
                "/linux/memoryPolicy",
                json!({"mode": "MPOL_LOCAL", "nodes": "0"}),
            ),
            (
                "memory-policy-nodes",
                "/linux/memoryPolicy",
                json!({"mode": "MPOL_PREFERRED", "nodes": "x"}),
            ),
            ("memory-policy-flags", "/linux/memoryPolicy", policy("MPOL_BIND", &["X"])),
            (
                "memory-policy-flags",
                "/linux/memoryPolicy",
                policy("MPOL_INTERLEAVE", &["MPOL_F_NUMA_BALANCING"]),
            ),
            (
                "memory-policy-flags",
                "/linux/memoryPolicy",
                policy("MPOL_BIND", &["MPOL_F_STATIC_NODES", "MPOL_F_RELATIVE_NODES"]),
            ),
        ];
        for (rule, pointer, value) in cases {
            assert_eq!(broken_after(pointer, value.clone()), [rule], "{pointer}: {value}");
        }
    }

    #[test]
    fn names_of_sysctls_and_network_devices_are_checked() {
        let with_network = |name: &str, value: Value| {
            let mut spec = spec();
            spec["linux"]["namespaces"].as_array_mut().unwrap().push(json!({"type": "network"}));
            spec["linux"][name] = value;
            shown(spec)
        };
        for key in ["net.ipv4.ip_forward", "net/ipv4/conf/eth0.1@x/forwarding"] {
            assert!(with_network("sysctl", json!({ key: "1" })).is_empty(), "{key}");
        }
        let text = "must be the name of a sysctl, for example net.ipv4.ip_forward";
        let want = format!(r#"linux.sysctl["net.a b"]: {text}"#);
        assert_eq!(with_network("sysctl", json!({"net.a b": "1"})), [want]);
        for names in [json!({"eth0": {"name": "a"}, "eth1": {}}), json!({"0123456789abcde": {}})] {
            assert!(with_network("netDevices", names.clone()).is_empty(), "{names}");
        }
        for (names, at) in [
            (json!({"0123456789abcdef": {}}), "linux.netDevices.0123456789abcdef: must be"),
            (json!({"": {"name": "a"}}), r#"linux.netDevices[""]: must be"#),
            (json!({"..": {}}), r#"linux.netDevices[".."]: must be"#),
            (json!({"eth0": {"name": "a:b"}}), "linux.netDevices.eth0.name: must be"),
            (json!({"a": {"name": "b"}, "b": {}}), r#"linux.netDevices.b: "b" is the name of two"#),
        ] {
            let found = with_network("netDevices", names.clone());
            assert!(found.len() == 1 && found[0].starts_with(at), "{names}: {found:?}");
        }
    }

    #[test]
    fn sysctls_of_the_network_are_not_for_the_runtimes_own_namespace() {
        let mut spec = spec();
        spec["linux"]["sysctl"] = json!({"net.core.somaxconn": "1"});
        for (path, wrong) in [("/proc/self/./ns/net", true), ("/run/netns/a", false)] {
            spec["linux"]["namespaces"] = json!([{"type": "network", "path": path}]);
            let broken = found(spec.clone());
            let is_broken = broken.iter().any(|one| one.rule.name == "sysctl-runtime-network");
            assert_eq!(is_broken, wrong, "{path}");
        }
    }

    #[test]
    fn a_filter_has_memory() {
        for (soft, filter, wanted) in [
            ((8 << 20) - 1, json!({"defaultAction": "SCMP_ACT_ALLOW"}), true),
            (8 << 20, json!({"defaultAction": "SCMP_ACT_ALLOW"}), false),
            (1024, Value::Null, false),
        ] {
            let mut spec = spec();
            let limit = json!({"type": "RLIMIT_AS", "hard": soft, "soft": soft});
            set(&mut spec, "/process/rlimits/0", limit);
            set(&mut spec, "/linux/seccomp", filter);
            let broken = found(spec);
            assert_eq!(broken.iter().any(|it| it.rule.name == "rlimit-memory"), wanted, "{soft}");
        }
    }

    #[test]
    fn what_the_newest_runc_decides() {
        let deadline = |runtime: u64, flags: &[&str]| json!({"policy": "SCHED_DEADLINE", "runtime": runtime, "deadline": 200_000, "period": 300_000, "flags": flags});
        let keeps = ["SCHED_FLAG_KEEP_POLICY"];
        let user_namespace = "user-namespace-scheduling";
        let fifo = json!({"policy": "SCHED_FIFO", "priority": 1, "nice": 5});
        let unified = "/linux/resources/unified";
        let rule = "/linux/resources/devices/0";
        let cases = [
            ("/process/scheduler", deadline(0, &[]), &["scheduler-deadline", user_namespace][..]),
            ("/process/scheduler", deadline(1024, &[]), &[user_namespace]),
            ("/process/scheduler", deadline(200_001, &[]), &["scheduler-deadline", user_namespace]),
            ("/process/scheduler", deadline(0, &keeps), &[]),
            ("/process/scheduler", fifo, &["scheduler-defaults"]),
            ("/linux/resources/memory/swappiness", json!(u64::MAX), &[]),
            ("/linux/resources/memory/swappiness", json!(101), &["memory-swappiness"]),
            ("/process/execCPUAffinity", json!({"initial": "all"}), &["exec-cpu-affinity"]),
            ("/linux/intelRdt", json!({"closID": "/"}), &["rdt-default-class"]),
            ("/linux/intelRdt", json!({"closID": "a/b"}), &["rdt-class"]),
            ("/linux/intelRdt", json!({"schemata": ["L3:0=f"], "l3CacheSchema": "L3:0=f"}), &[]),
            ("/linux/memoryPolicy", policy("MPOL_PREFERRED_MANY", &["MPOL_F_NUMA_BALANCING"]), &[]),
            ("/linux/memoryPolicy", json!({"mode": "MPOL_PREFERRED"}), &[]),
            ("/linux/memoryPolicy", policy("MPOL_PREFERRED", &["MPOL_F_STATIC_NODES"]), &[]),
            (
                "/linux/memoryPolicy",
                json!({"mode": "MPOL_DEFAULT", "flags": ["MPOL_F_STATIC_NODES"]}),
                &[],
            ),
            ("/linux/resources/blockIO", json!({"weight": 0}), &[]),
            (unified, json!({"memory": "1"}), &["unified-name"]),
            ("/process/rlimits", json!([{"type": "RLIMIT_NOFILE", "hard": 16, "soft": 16}]), &[]),
            ("/process/env", json!(["PATH=", "PATH=x:/bin"]), &[]),
            ("/linux/maskedPaths", json!(["/proc/sys/kernel/core_pattern"]), &[]),
            (rule, json!({"major": -2, "access": "rwm"}), &["device-rule-all"]),
            (rule, json!({"major": -1, "access": "mwr"}), &[]),
            (rule, json!({"type": "a", "minor": 3, "access": "r"}), &["device-rule-all"; 2]),
            (unified, json!({"": "1"}), &["unified-name"]),
            ("/linux/devices", json!([null_device("c"), null_device("p")]), &[]),
            (
                "/linux/devices",
                json!([null_device("p"), null_device("c")]),
                &["device-null-number"],
            ),
            ("/mounts/1", bind("/dev/null", "/dev//null"), &[]),
            ("/mounts/1", bind("/dev/null", "/a"), &["mount-null-source"]),
        ];
        for (pointer, value, want) in cases {
            assert_eq!(broken_after(pointer, value.clone()), want, "{pointer}: {value}");
        }
    }

    fn null_device(kind: &str) -> Value {
        let (major, minor) = if kind == "c" { (1, 3) } else { (0, 0) };
        json!({"path": "/dev/null", "type": kind, "major": major, "minor": minor})
    }

    fn bind(destination: &str, source: &str) -> Value {
        json!({"destination": destination, "type": "bind", "source": source, "options": ["bind"]})
    }

    fn policy(mode: &str, flags: &[&str]) -> Value {
        json!({"mode": mode, "nodes": "0", "flags": flags})
    }

    proptest! {
        /// Whatever value a place has, the rules judge it, and a value of a wrong type is reported.
        #[test]
        fn any_value_anywhere_is_judged(at: prop::sample::Index, kind in 0..7, number: u64) {
            let mut spec = spec();
            let mut all = Vec::new();
            pointers(&spec, "", &mut all);
            let pointer = at.get(&all);
            let value = match kind {
                0 => Value::Null,
                1 => json!(true),
                2 => json!(number),
                3 => json!(-1.5),
                4 => json!("\0/é"),
                5 => json!([[{"type": "user"}], null, 1]),
                _ => json!({"type": {"path": []}, "": null}),
            };
            *spec.pointer_mut(pointer).unwrap() = value;
            let broken = found(spec);
            if kind == 3 {
                prop_assert!(broken.iter().any(|one| one.rule.name == "field-type"), "{pointer}");
            }
        }
    }
}
