//! Options that `pkg/oci` has no function for: each is laid into Go's own types, which decide on its
//! place and on what is left out; a release with types that lack it says so.
//!
//! A value is what is laid, under `spec`, and our options in protobuf's JSON, under `options`.

use crate::case::Op;
use crate::equipment;
use crate::options::Row;
use crate::support::request_json;
use crate::text;
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message;
use serde_json::{Value, json};
use specd::api::pb::specd as pb;

macro_rules! row {
    ($name:literal, $values:expr) => {
        Row { name: $name, values: || $values.boxed(), ops: lay, pb: merge, percent: 3 }
    };
}

fn lay(value: &Value, ops: &mut Vec<Op>) {
    ops.push(Op::new("spec", value["spec"].clone()));
}

fn merge(value: &Value, options: &mut pb::SpecOptions) {
    let alone = request_json::parse(&json!({"options": value["options"]}).to_string());
    options.merge(alone.options.unwrap_or_default().encode_to_vec().as_slice()).unwrap();
}

/// In the order of application.
pub(crate) const ROWS: &[Row] = &[
    row!("scheduler", scheduler()),
    row!(
        "io_priority",
        (text::of(&["RT", "BE", "IDLE"]), 0..8_i32).prop_map(|(class, priority)| json!({
            "spec": {"process": {"ioPriority": {"class": format!("IOPRIO_CLASS_{class}"), "priority": priority}}},
            "options": {"process": {"ioPriority": {"class": format!("IO_PRIORITY_CLASS_{class}"), "priority": priority}}},
        }))
    ),
    row!(
        "cpu_affinity",
        (list(), list()).prop_map(|(initial, last)| {
            let mut spec = json!({"initial": initial, "final": last});
            spec.as_object_mut().unwrap().retain(|_, value| value != "");
            json!({
                "spec": {"process": {"execCPUAffinity": spec}},
                "options": {"process": {"cpuAffinity": {"initial": initial, "final": last}}},
            })
        })
    ),
    row!(
        "personality",
        text::of(&["LINUX", "LINUX32"]).prop_map(|domain| json!({
            "spec": {"linux": {"personality": {"domain": domain}}},
            "options": {"process": {"personality": {"domain": format!("PERSONALITY_DOMAIN_{domain}")}}},
        }))
    ),
    row!(
        "memory_policy",
        (text::of(&["BIND", "INTERLEAVE", "PREFERRED"]), any::<bool>()).prop_map(|(mode, fixed)| {
            let flags = |name: &str| if fixed { json!([name]) } else { json!([]) };
            json!({
                "spec": {"linux": {"memoryPolicy": {
                    "mode": format!("MPOL_{mode}"), "nodes": "0-1", "flags": flags("MPOL_F_STATIC_NODES"),
                }}},
                "options": {"process": {"memoryPolicy": {
                    "mode": format!("MEMORY_POLICY_MODE_{mode}"), "nodes": "0-1",
                    "flags": flags("MEMORY_POLICY_FLAG_STATIC_NODES"),
                }}},
            })
        })
    ),
    row!(
        "propagation",
        text::of(&["private", "rslave", "shared", "runbindable"]).prop_map(|kind| json!({
            "spec": {"linux": {"rootfsPropagation": kind}},
            "options": {"root": {"propagation": format!("MOUNT_PROPAGATION_{}", kind.to_uppercase())}},
        }))
    ),
    row!(
        "net_devices",
        text::of(&["", "eth0"]).prop_map(|name| {
            let device = if name.is_empty() { json!({}) } else { json!({"name": name}) };
            json!({
                "spec": {"linux": {"netDevices": {"ens4": device, "eth1": {"name": "b"}}}},
                "options": {"namespaces": {"netDevices": {"ens4": name, "eth1": "b"}}},
            })
        })
    ),
    row!(
        "memory of a control group",
        (0..1_i64 << 40, any::<bool>(), any::<bool>()).prop_map(|(bytes, hierarchy, check)| json!({
            "spec": {"linux": {"resources": {"memory": {
                "kernelTCP": bytes, "useHierarchy": hierarchy, "checkBeforeUpdate": check,
                "reservation": bytes, "swappiness": 60, "disableOOMKiller": check,
            }}}},
            "options": {"resources": {"memory": {
                "kernelTcp": bytes, "useHierarchy": hierarchy, "checkBeforeUpdate": check,
                "reservation": bytes, "swappiness": 60, "disableOomKiller": check,
            }}},
        }))
    ),
    row!(
        "idle",
        (0..2_i64).prop_map(|idle| json!({
            "spec": {"linux": {"resources": {"cpu": {"idle": idle}}}},
            "options": {"resources": {"cpu": {"idle": idle}}},
        }))
    ),
    row!(
        "weights by device",
        (10..1001_u32, 0..300_i64, any::<bool>()).prop_map(|(weight, major, leaf)| {
            let (go, ours) =
                if leaf { ("leafWeight", "leafWeight") } else { ("weight", "weight") };
            json!({
                "spec": {"linux": {"resources": {"blockIO": {
                    "leafWeight": weight, "weightDevice": [{"major": major, "minor": 0, go: weight}],
                    "throttleWriteIOPSDevice": [{"major": major, "minor": 1, "rate": 7}],
                }}}},
                "options": {"resources": {"blockIo": {
                    "leafWeight": weight, "weightDevice": [{"major": major, "minor": 0, ours: weight}],
                    "throttleWriteIopsDevice": [{"major": major, "minor": 1, "rate": 7}],
                }}},
            })
        })
    ),
    row!(
        "hugepages, network and rdma",
        (any::<u32>(), 0..1_i64 << 40).prop_map(|(number, bytes)| json!({
            "spec": {"linux": {"resources": {
                "hugepageLimits": [{"pageSize": "1GB", "limit": bytes}, {"pageSize": "2MB", "limit": 0}],
                "network": {"classID": number, "priorities": [{"name": "lo", "priority": number}]},
                "rdma": {"mlx5_1": {"hcaHandles": number}, "mlx5_0": {"hcaObjects": 0}},
            }}},
            "options": {"resources": {
                "hugepageLimits": {"1GB": bytes, "2MB": 0},
                "network": {"classId": number, "priorities": [{"name": "lo", "priority": number}]},
                "rdma": {"mlx5_1": {"hcaHandles": number}, "mlx5_0": {"hcaObjects": 0}},
            }},
        }))
    ),
    row!(
        "unified",
        text::of(&["max", "1 <&>"]).prop_map(|text| {
            let unified = json!({"memory.high": text, "cpu.weight": "1"});
            json!({
                "spec": {"linux": {"resources": {"unified": unified}}},
                "options": {"resources": {"unified": unified}},
            })
        })
    ),
    row!("rdt", rdt()),
    row!(
        "mount_label",
        text::of(&["system_u:object_r:container_file_t:s0"]).prop_map(|label| json!({
            "spec": {"linux": {"mountLabel": label}},
            "options": {"security": {"mountLabel": label}},
        }))
    ),
    row!(
        "sysctl",
        text::of(&["0 2147483647", "<&>"]).prop_map(|text| {
            let sysctl = json!({"net.ipv4.tcp_congestion_control": text});
            json!({"spec": {"linux": {"sysctl": sysctl}}, "options": {"security": {"sysctl": sysctl}}})
        })
    ),
    row!("hooks", hooks()),
    row!(
        "oci_version",
        text::of(&["1.0.2", "1.1.0", "1.2.1", "1.3.0"])
            .prop_map(|version| json!({"spec": {"ociVersion": version}, "options": {"ociVersion": version}}))
    ),
    row!("oom_score_adj", (-1000..1001_i32).prop_map(|score| json!({
        "spec": {"process": {"oomScoreAdj": score}},
        "options": {"process": {"oomScoreAdj": score}},
    }))),
    equipment::CDI_DEVICES,
    Row {
        name: "spec_merge_patch",
        values: || {
            let text = text::any().prop_map(Value::String);
            text.prop_map(|text| json!({"annotations": {"patched": text}, "hostname": "patched"})).boxed()
        },
        ops: |value, ops| ops.push(Op::new("spec", value.clone())),
        pb: |value, options| options.spec_merge_patch = Some(value.to_string()),
        percent: 3,
    },
];

/// A list of processors, or none.
fn list() -> BoxedStrategy<String> {
    text::of(&["", "0", "0-3,7"])
}

fn scheduler() -> impl Strategy<Value = Value> {
    let policy = text::of(&["OTHER", "BATCH", "FIFO", "RR", "IDLE", "DEADLINE"]);
    let flags = vec(text::of(&["RESET_ON_FORK", "DL_OVERRUN", "UTIL_CLAMP_MAX"]), 0..3);
    (policy, flags, -20..20_i32, 1..100_i32, 1..9_u64).prop_map(|(policy, flags, nice, priority, time)| {
        let numbers = match policy.as_str() {
            "OTHER" | "BATCH" => json!({"nice": nice}),
            "FIFO" | "RR" => json!({"priority": priority}),
            "DEADLINE" => json!({"runtime": 1024 * time, "deadline": 10_000, "period": 10_001}),
            _ => json!({}),
        };
        let with = |policy: String, before: &str| {
            let mut scheduler = numbers.clone();
            let flags: Vec<String> = flags.iter().map(|flag| format!("{before}{flag}")).collect();
            scheduler["policy"] = policy.into();
            scheduler["flags"] = flags.into();
            scheduler
        };
        json!({
            "spec": {"process": {"scheduler": with(format!("SCHED_{policy}"), "SCHED_FLAG_")}},
            "options": {"process": {"scheduler": with(format!("SCHEDULER_POLICY_{policy}"), "SCHEDULER_FLAG_")}},
        })
    })
}

fn rdt() -> impl Strategy<Value = Value> {
    let of = |fields: Value| json!({"spec": {"linux": {"intelRdt": fields}}, "options": {"resources": {"rdt": fields}}});
    (0..3_u8, any::<bool>()).prop_map(move |(which, on)| match which {
        0 => {
            let mut value = of(json!({}));
            value["spec"]["linux"]["intelRdt"] = json!({"enableCMT": on, "enableMBM": true});
            value["options"]["resources"]["rdt"] = json!({"enableCmt": on, "enableMbm": true});
            value
        }
        1 => of(json!({"enableMonitoring": on})),
        _ => of(json!({"schemata": ["L3:0=f", "MB:0=20"]})),
    })
}

fn hooks() -> impl Strategy<Value = Value> {
    let hook = (vec(text::any(), 0..3), prop::option::of(1..60_i32)).prop_map(|(args, timeout)| {
        let args: Vec<String> = args.iter().map(|arg| arg.replace('\0', "")).collect();
        let mut hook = json!({"path": "/bin/hook", "args": args, "env": ["A=<&>"]});
        if let Some(timeout) = timeout {
            hook["timeout"] = timeout.into();
        }
        hook
    });
    let moment = text::of(&[
        "prestart",
        "createRuntime",
        "createContainer",
        "startContainer",
        "poststart",
        "poststop",
    ]);
    (moment, vec(hook, 1..3)).prop_map(|(moment, list)| {
        json!({"spec": {"hooks": {moment.clone(): list}}, "options": {"hooks": {moment: list}}})
    })
}
