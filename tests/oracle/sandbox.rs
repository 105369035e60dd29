//! The options of what surrounds the process: each is one of `pkg/oci` by its own name, and given to us as
//! the replay of reference data gives it.

use crate::case::Op;
use crate::equipment;
use crate::options::{Row, json_of};
use crate::support::go_options;
use crate::text;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use prost::Message;
use serde_json::{Map, Value, json};
use specd::api::pb::specd as pb;
use std::collections::BTreeSet;

/// Puts into a request what an option of `pkg/oci` does.
fn merge(op: &str, args: &Value, options: &mut pb::SpecOptions) {
    let op = go_options::Op { op: op.to_owned(), args: args.clone() };
    let alone = go_options::options(&[op]).unwrap();
    options.merge(alone.encode_to_vec().as_slice()).unwrap();
}

/// A row for an option, by its name in `pkg/oci`.
macro_rules! row {
    ($name:literal, $values:expr) => {
        Row {
            name: $name,
            values: || $values,
            ops: |value, ops| ops.push(Op::new($name, value.clone())),
            pb: |value, options| merge($name, value, options),
            percent: 4,
        }
    };
}

/// In the order of application.
pub(crate) const ROWS: &[Row] = &[
    row!("WithTTYSize", one((1..400_u32, 1..400_u32).prop_map(|(width, height)| json!([width, height])))),
    row!("WithRlimit", one((text::of(&["RLIMIT_NOFILE", "RLIMIT_CORE"]), size(), 0..9_u64).prop_map(
        |(kind, soft, more)| json!({"type": kind, "soft": soft, "hard": soft.saturating_add(more)})
    ))),
    row!("WithUmask", json_of(0..0o1000_u32)),
    Row {
        name: "privileged",
        values: nothing,
        ops: |_, ops| {
            // Its own capabilities are those of the calling process.
            ops.push(Op::new("WithPrivileged", Value::Null));
            ops.push(Op::new("WithAllKnownCapabilities", Value::Null));
        },
        pb: |_, options| {
            let security = options.security.get_or_insert_default();
            security.privileged = pb::PrivilegedMode::Containerd.into();
        },
        percent: 3,
    },
    Row {
        name: "capabilities",
        values: || json_of(prop_oneof![3 => vec(capability(), 0..4), 1 => Just(vec!["ALL".to_owned()])]),
        ops: |value, ops| {
            let op = if value[0] == "ALL" {
                Op::new("WithAllKnownCapabilities", Value::Null)
            } else {
                Op::new("WithCapabilities", value.clone())
            };
            ops.push(op);
        },
        pb: |value, options| merge("WithCapabilities", value, options),
        percent: 4,
    },
    row!("WithAddedCapabilities", json_of(vec(capability(), 0..4))),
    row!("WithDroppedCapabilities", json_of(vec(capability(), 0..4))),
    row!("WithAmbientCapabilities", json_of(vec(capability(), 0..2))),
    row!("WithoutMounts", json_of(vec(text::of(&["/run", "/dev/shm", "/dev/", "/proc", "/x"]), 0..3))),
    row!("WithDevShmSize", json_of(0..1_000_000_i64)),
    row!("WithWriteableSysfs", nothing()),
    row!("WithWriteableCgroupfs", nothing()),
    Row {
        name: "tmpfs",
        values: || one((0..1_u64 << 40, 0..0o10000_u32, any::<bool>()).prop_map(
            |(size, mode, exec)| json!({"size": size, "mode": mode, "exec": exec})
        )),
        ops: |value, ops| {
            let usual = if value["exec"] == true { ["nosuid", "nodev", "exec"] } else { ["nosuid", "noexec", "nodev"] };
            let own = [format!("size={}", value["size"]), format!("mode={:o}", value["mode"].as_u64().unwrap())];
            let options = usual.map(str::to_owned).into_iter().chain(own).collect::<Vec<_>>();
            let mount = json!({"destination": "/scratch", "type": "tmpfs", "source": "tmpfs", "options": options});
            ops.push(Op::new("WithMounts", json!([mount])));
        },
        pb: |value, options| {
            options.mounts.get_or_insert_default().tmpfs = vec![pb::TmpfsMount {
                destination: "/scratch".to_owned(),
                size_bytes: value["size"].as_u64(),
                mode: value["mode"].as_u64().map(|mode| mode.try_into().unwrap()),
                options: if value["exec"] == true { vec!["exec".to_owned()] } else { Vec::new() },
            }];
        },
        percent: 3,
    },
    row!("WithHostResolvconf", nothing()),
    row!("WithHostHostsFile", nothing()),
    row!("WithHostLocaltime", nothing()),
    row!("WithMounts", one(vec(mount(), 0..3).prop_map(Value::Array))),
    Row {
        name: "namespaces",
        // What becomes of each kind, once: host, private, or a path.
        values: || {
            let of = text::of(&["host", "private", "/proc/1/ns/x"]);
            let all = btree_map(text::of(KINDS), of.prop_map(Value::String), 0..3);
            one(all.prop_map(|all| Value::Object(all.into_iter().collect())))
        },
        ops: |value, ops| ops.extend(namespaces(value)),
        pb: |value, options| {
            for Op { op, args } in namespaces(value) {
                merge(op, &args, options);
            }
        },
        percent: 8,
    },
    Row {
        name: "time namespace",
        values: || one((-9..9_i64, 0..9_u32).prop_map(|(secs, nanosecs)| {
            let mut offset = json!({"secs": secs, "nanosecs": nanosecs});
            offset.as_object_mut().unwrap().retain(|_, number| number != 0);
            offset
        })),
        ops: |value, ops| {
            ops.push(Op::new("WithLinuxNamespace", json!({"type": "time"})));
            let offsets = json!({"monotonic": value, "boottime": {}});
            ops.push(Op::new("spec", json!({"linux": {"timeOffsets": offsets}})));
        },
        pb: |value, options| {
            merge("WithLinuxNamespace", &json!({"type": "time"}), options);
            let offset = pb::TimeOffset {
                secs: value["secs"].as_i64().unwrap_or_default(),
                nanosecs: value["nanosecs"].as_u64().unwrap_or_default().try_into().unwrap(),
            };
            let namespaces = options.namespaces.get_or_insert_default();
            namespaces.time_offsets = Some(pb::TimeOffsets {
                monotonic: Some(offset),
                boottime: Some(pb::TimeOffset::default()),
            });
        },
        percent: 3,
    },
    row!("WithUserNamespace", one((1..100_000_u32, 1..70_000_u32).prop_map(|(host, size)| {
        let map = json!([{"containerID": 0, "hostID": host, "size": size}]);
        json!({"UID": map, "GID": map})
    }))),
    row!("WithRootFSPath", json_of(text::of(&["/srv/root", "other", "/<&>"]))),
    row!("WithDomainname", json_of(text::identifier())),
    row!("WithCgroup", json_of(text::of(&["/a/b", "/", "system.slice:specd:web-1", "/<&>"]))),
    row!("WithMemoryLimit", json_of(0..1_u64 << 40)),
    row!("WithMemorySwap", json_of(-1..1_i64 << 40)),
    row!("WithPidsLimit", json_of(-1..100_000_i64)),
    row!("WithCPUShares", json_of(0..10_000_u64)),
    row!("WithCPUs", json_of(text::of(&["0", "0-1", "0,2-3"]))),
    row!("WithCPUsMems", json_of(text::of(&["0", "0-1"]))),
    row!("WithCPUCFS", one((0..200_000_i64, 0..200_000_u64).prop_map(
        |(quota, period)| json!({"Quota": quota, "Period": period})
    ))),
    row!("WithCPUBurst", json_of(0..200_000_u64)),
    row!("WithCPURT", one((0..200_000_i64, 0..200_000_u64).prop_map(
        |(runtime, period)| json!({"Runtime": runtime, "Period": period})
    ))),
    row!("WithBlockIO", one((10..1001_u32, 0..300_i64, size()).prop_map(|(weight, major, rate)| json!({
        "weight": weight,
        "throttleReadBpsDevice": [{"major": major, "minor": 0, "rate": rate}],
    })))),
    row!("WithRdt", one((text::of(&["", "g1"]), text::of(&["", "L3:0=f"]), text::of(&["", "MB:0=50"])).prop_map(
        |(clos, l3, bandwidth)| json!({"ClosID": clos, "L3": l3, "MemBw": bandwidth})
    ))),
    row!("WithParentCgroupDevices", nothing()),
    row!("WithAllDevicesAllowed", nothing()),
    row!("WithDefaultUnixDevices", nothing()),
    Row {
        name: "device node",
        values: || one((0..300_i64, prop::option::of(0..0o1000_u32), prop::option::of(0..9_u32)).prop_map(
            |(major, mode, uid)| {
                let mut node = json!({"path": "/dev/x", "type": "c", "major": major, "minor": 7});
                for (key, value) in [("fileMode", mode), ("uid", uid)] {
                    if let Some(value) = value {
                        node[key] = value.into();
                    }
                }
                node
            },
        )),
        ops: |value, ops| ops.push(Op::new("WithLinuxDevices", json!([value]))),
        pb: |value, options| {
            let small = |key: &str| value[key].as_u64().map(|number| u32::try_from(number).unwrap());
            let node = pb::DeviceNode {
                path: "/dev/x".to_owned(),
                r#type: pb::DeviceType::Char.into(),
                major: value["major"].as_i64().unwrap(),
                minor: 7,
                file_mode: small("fileMode"),
                uid: small("uid"),
                gid: None,
            };
            options.devices.get_or_insert_default().nodes = vec![node];
        },
        percent: 3,
    },
    equipment::DEVICES,
    equipment::FOLLOWED_DEVICE,
    equipment::HOST_DEVICES,
    row!("WithMaskedPaths", json_of(paths())),
    row!("WithReadonlyPaths", json_of(paths())),
    Row {
        name: "single paths",
        values: || json_of(paths()),
        // Each path once, which is what adding one after the other gives.
        ops: |value, ops| {
            let mut list = value.as_array().unwrap().clone();
            let mut seen = BTreeSet::new();
            list.retain(|path| seen.insert(path.to_string()));
            ops.push(Op::new("WithMaskedPaths", list.clone()));
            ops.push(Op::new("WithReadonlyPaths", list));
        },
        pb: |value, options| {
            let security = options.security.get_or_insert_default();
            let add: Vec<String> = serde_json::from_value(value.clone()).unwrap();
            security.masked_paths = Some(pb::StringList { values: vec!["/gone".to_owned()] });
            security.masked_paths_remove = vec!["/gone/".to_owned()];
            security.masked_paths_add.clone_from(&add);
            security.readonly_paths = Some(pb::StringList::default());
            security.readonly_paths_add = add;
        },
        percent: 3,
    },
    row!("WithSelinuxLabel", json_of(text::of(&["system_u:system_r:container_t:s0", ""]))),
    row!("WithApparmorProfile", json_of(text::of(&["my-profile", "unconfined", ""]))),
    Row {
        name: "no_new_privileges",
        values: || json_of(any::<bool>()),
        ops: |value, ops| {
            let op = if value == &json!(true) { "WithNoNewPrivileges" } else { "WithNewPrivileges" };
            ops.push(Op::new(op, Value::Null));
        },
        pb: |value, options| {
            options.security.get_or_insert_default().no_new_privileges = value.as_bool();
        },
        percent: 4,
    },
    row!("seccompDefault", nothing()),
    row!("WithSeccompUnconfined", nothing()),
    row!("WithAnnotations", one(btree_map(text::identifier(), text::any(), 0..4).prop_map(|pairs| {
        Value::Object(pairs.into_iter().map(|(key, text)| (key, text.into())).collect::<Map<_, _>>())
    }))),
];

const KINDS: &[&str] = &["pid", "ipc", "uts", "mount", "network", "cgroup"];

fn namespaces(value: &Value) -> Vec<Op> {
    let each = value.as_object().unwrap().iter();
    each.map(|(kind, of)| match of.as_str().unwrap() {
        "host" => Op::new("WithHostNamespace", kind.as_str()),
        "private" => Op::new("WithLinuxNamespace", json!({"type": kind})),
        path => Op::new("WithLinuxNamespace", json!({"type": kind, "path": path})),
    })
    .collect()
}

fn one(values: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Value> {
    values.boxed()
}

fn nothing() -> BoxedStrategy<Value> {
    Just(Value::Null).boxed()
}

fn size() -> BoxedStrategy<u64> {
    prop_oneof![Just(0), Just(1024), Just(u64::MAX), 0..1_u64 << 40].boxed()
}

fn paths() -> BoxedStrategy<Vec<String>> {
    vec(text::of(&["/proc/kcore", "/sys/firmware", "/a b"]), 0..3).boxed()
}

fn capability() -> BoxedStrategy<String> {
    text::of(&[
        "CAP_CHOWN",
        "CAP_KILL",
        "CAP_SYS_ADMIN",
        "CAP_NET_RAW",
        "CAP_BPF",
        "CAP_AUDIT_WRITE",
        "CAP_SYSLOG",
    ])
}

fn mount() -> BoxedStrategy<Value> {
    let destination = text::of(&["/data", "/data/sub", "/tmp", "/mnt/a b", "/naïve"]);
    let kind = text::of(&["bind", "tmpfs", "none"]);
    let source = text::of(&["/var/data", "tmpfs", "/<&>"]);
    let options = vec(text::of(&["rbind", "ro", "rw", "size=1m", "nosuid"]), 0..3);
    (destination, kind, source, options)
        .prop_map(|(destination, kind, source, options)| {
            json!({"destination": destination, "type": kind, "source": source, "options": options})
        })
        .boxed()
}
