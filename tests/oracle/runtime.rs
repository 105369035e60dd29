//! The differences that are meant because a runtime would fail: Go's client gives a spec that breaks a rule
//! on finished specs, and our server does not. Each rule is shown to be the runtime's in `tests/system/runtimes`.

use crate::case::Case;
use crate::deliberate::{Known, Seen, image, plain, with};
use crate::options::Chosen;
use serde_json::{Value, json};

/// Whether one of these rules is among those that we tell of.
fn tells(seen: &Seen<'_>, rules: &[&str]) -> bool {
    seen.rules().iter().any(|rule| rules.contains(&rule.as_str()))
}

/// Every such difference.
pub(crate) const LIST: &[Known] = &[
    Known {
        name: "variable without a name or a value",
        reason: "runc refuses it",
        only: &[],
        holds: |seen| {
            let bad = |entry: &Value| entry.as_str().unwrap().find('=').is_none_or(|at| at == 0);
            let list = |spec: &Value| spec["process"]["env"].as_array().unwrap().iter().any(bad);
            seen.refuses("environment entry ", list)
        },
        witness: || image(&json!({"Cmd": ["sh"], "Env": ["PATH=/bin", "LANG"]})),
    },
    Known {
        name: "fewer open files than the runtime needs",
        reason: "runc cannot mount with them",
        only: &["2.3.7", "2.4.2"],
        holds: |seen| tells(seen, &["rlimit-files"]),
        witness: || {
            let limit = json!({"type": "RLIMIT_NOFILE", "hard": 15, "soft": 15});
            with("WithRlimit", limit)
        },
    },
    Known {
        name: "mount without a type and without bind",
        reason: "mount(2) needs a filesystem type",
        only: &[],
        holds: |seen| tells(seen, &["mount-type"]),
        witness: || {
            let mount = json!({"destination": "/data", "type": "bind", "source": "/srv"});
            with("WithMounts", json!([mount]))
        },
    },
    Known {
        name: "bind mount with filesystem options",
        reason: "runc refuses them since 1.2 and ignored them before",
        only: &[],
        holds: |seen| tells(seen, &["mount-bind-options"]),
        witness: || {
            let mount = json!({
                "destination": "/data", "type": "bind", "source": "/srv", "options": ["rbind", "size=1k"],
            });
            with("WithMounts", json!([mount]))
        },
    },
    Known {
        name: "mount inside /proc, or on the root",
        reason: "runc refuses it",
        only: &[],
        holds: |seen| tells(seen, &["mount-inside-proc", "mount-proc-type", "mount-below-root"]),
        witness: || {
            let mount = json!({"destination": "/proc/x", "type": "tmpfs", "source": "tmpfs"});
            with("WithMounts", json!([mount]))
        },
    },
    Known {
        name: "swap limit without a memory limit, or below it",
        reason: "the limit is for memory and swap together, and the kernel refuses it",
        only: &[],
        holds: |seen| tells(seen, &["memory-swap"]),
        witness: || with("WithMemorySwap", 1_048_576),
    },
    Known {
        name: "burst above the quota",
        reason: "the kernel refuses it",
        only: &["2.0.14", "2.1.9", "2.2.9", "2.3.7", "2.4.2"],
        holds: |seen| tells(seen, &["cpu-burst"]),
        witness: || Case {
            options: vec![
                Chosen::new("WithCPUCFS", json!({"Quota": 1000, "Period": 1000})),
                Chosen::new("WithCPUBurst", 2000),
            ],
            ..plain()
        },
    },
    Known {
        name: "realtime runtime above its period",
        reason: "the kernel refuses it",
        only: &["1.7.36", "2.0.14", "2.1.9", "2.2.9", "2.3.7", "2.4.2"],
        holds: |seen| tells(seen, &["cpu-realtime"]),
        witness: || with("WithCPURT", json!({"Runtime": 2, "Period": 1})),
    },
    Known {
        name: "period or quota below a millisecond",
        reason: "the kernel refuses it",
        only: &[],
        holds: |seen| tells(seen, &["cpu-quota", "cpu-period"]),
        witness: || with("WithCPUCFS", json!({"Quota": 10, "Period": 100})),
    },
    Known {
        name: "masked paths without a mount namespace",
        reason: "runc refuses them",
        only: &[],
        holds: |seen| tells(seen, &["hidden-paths-namespace"]),
        witness: || with("namespaces", json!({"mount": "host"})),
    },
    Known {
        name: "user namespace without mappings",
        reason: "runc refuses it",
        only: &[],
        holds: |seen| tells(seen, &["user-namespace-mappings"]),
        witness: || with("namespaces", json!({"user": "private"})),
    },
    Known {
        name: "terminal without a devpts",
        reason: "the runtime finds no terminal in the container",
        only: &[],
        holds: |seen| tells(seen, &["terminal-devpts"]),
        witness: || Case {
            options: vec![
                Chosen::new("terminal", true),
                Chosen::new("WithoutMounts", json!(["/dev/pts"])),
            ],
            ..plain()
        },
    },
    Known {
        name: "read-only root without a mount namespace",
        reason: "runc refuses it since 1.6, and an older one makes a mount of the host read-only",
        only: &[],
        holds: |seen| tells(seen, &["root-readonly-namespace", "mount-readonly-namespace"]),
        witness: || Case {
            options: vec![
                Chosen::new("readonly", true),
                Chosen::new("WithMaskedPaths", json!([])),
                Chosen::new("WithReadonlyPaths", json!([])),
                Chosen::new("namespaces", json!({"mount": "host"})),
            ],
            ..plain()
        },
    },
    Known {
        name: "every device of the host without a rule for /dev/null",
        reason: "runc opens /dev/null, and allows by itself only devices that the spec does not list",
        only: &[],
        holds: |seen| tells(seen, &["device-null"]),
        witness: || with("WithHostDevices", Value::Null),
    },
    Known {
        name: "user that the user namespace does not map",
        reason: "the kernel refuses it",
        only: &[],
        holds: |seen| tells(seen, &["user-mapped"]),
        witness: || {
            let map = json!([{"containerID": 0, "hostID": 1000, "size": 1}]);
            Case {
                options: vec![
                    Chosen::new("user", "5:5"),
                    Chosen::new("WithUserNamespace", json!({"UID": map, "GID": map})),
                ],
                ..plain()
            }
        },
    },
    Known {
        name: "mount that a user namespace cannot make",
        reason: "the kernel refuses it: another user namespace owns the network, pid, ipc or mount namespace, or the option's id is not mapped",
        only: &[],
        holds: |seen| {
            let rules = ["sysfs", "proc", "mqueue", "mount-owner", "mounts"];
            let rules = rules.map(|rule| format!("user-namespace-{rule}"));
            tells(seen, &rules.each_ref().map(String::as_str))
        },
        witness: || {
            let map = json!([{"containerID": 0, "hostID": 1000, "size": 65_536}]);
            Case {
                options: vec![
                    Chosen::new("WithUserNamespace", json!({"UID": map, "GID": map})),
                    Chosen::new("namespaces", json!({"network": "host"})),
                ],
                ..plain()
            }
        },
    },
    Known {
        name: "two network devices with the same name",
        reason: "the kernel has one device of a name in a network namespace, so the runtime fails",
        only: &["2.2.9", "2.3.7", "2.4.2"],
        holds: |seen| tells(seen, &["net-device-once"]),
        witness: || {
            let spec = json!({"linux": {"netDevices": {"ens4": {"name": "eth0"}, "ens5": {"name": "eth0"}}}});
            let options = json!({"namespaces": {"netDevices": {"ens4": "eth0", "ens5": "eth0"}}});
            with("net_devices", json!({"spec": spec, "options": options}))
        },
    },
    Known {
        name: "deadline scheduling or real-time I/O priority in a user namespace",
        reason: "the kernel refuses it: the container does not have CAP_SYS_NICE of the host",
        only: &["1.7.36", "2.0.14", "2.1.9", "2.2.9", "2.3.7", "2.4.2"],
        holds: |seen| tells(seen, &["user-namespace-scheduling"]),
        witness: || {
            let map = json!([{"containerID": 0, "hostID": 1000, "size": 65_536}]);
            let priority =
                |class: &str| json!({"process": {"ioPriority": {"class": class, "priority": 0}}});
            let (spec, options) = (priority("IOPRIO_CLASS_RT"), priority("IO_PRIORITY_CLASS_RT"));
            Case {
                options: vec![
                    Chosen::new("WithUserNamespace", json!({"UID": map, "GID": map})),
                    Chosen::new("io_priority", json!({"spec": spec, "options": options})),
                ],
                ..plain()
            }
        },
    },
    Known {
        name: "host or domain name that a user namespace cannot set",
        reason: "the kernel refuses it: another user namespace owns the UTS namespace",
        only: &[],
        holds: |seen| tells(seen, &["user-namespace-name"]),
        witness: || {
            let map = json!([{"containerID": 0, "hostID": 1000, "size": 65_536}]);
            Case {
                options: vec![
                    Chosen::new("WithUserNamespace", json!({"UID": map, "GID": map})),
                    Chosen::new("namespaces", json!({"uts": "/proc/1/ns/uts"})),
                    Chosen::new("hostname", "web"),
                ],
                ..plain()
            }
        },
    },
];
