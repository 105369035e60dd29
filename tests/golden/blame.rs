//! A broken rule names the field of the request that set the place, for every option that a rule can refuse.

use crate::support::request_json;
use crate::support::service::Fixture;
use serde_json::{Value, json};
use specd::api::pb::specd::DESCRIPTORS;
use std::collections::BTreeSet;
use tonic_types::StatusExt;

/// Options that break a rule, and the field that is named for it.
fn cases() -> Vec<(Value, &'static str)> {
    let long = "x".repeat(65);
    vec![
        (json!({"process": {"command": {"values": ["a\0"]}}}), "options.process.command.values[0]"),
        (
            json!({"process": {"command": {"values": []}, "entrypoint": {"values": []}}}),
            "options.process.entrypoint",
        ),
        (
            json!({"process": {"env": ["A=\u{1}", "B"]}, "spec_merge_patch": r#"{"process":{"env":["A"]}}"#}),
            "options.spec_merge_patch",
        ),
        (json!({"process": {"cwd": "srv"}}), "options.process.cwd"),
        (
            json!({"process": {"rlimits": [{"type": "RLIMIT_CORE", "hard": 1, "soft": 2}]}}),
            "options.process.rlimits[0].soft",
        ),
        (json!({"process": {"oom_score_adj": 2000}}), "options.process.oom_score_adj"),
        (
            json!({"process": {"scheduler": {"policy": "SCHEDULER_POLICY_OTHER", "nice": 20}}}),
            "options.process.scheduler.nice",
        ),
        (
            json!({"process": {"io_priority": {"class": "IO_PRIORITY_CLASS_BE", "priority": 8}}}),
            "options.process.io_priority.priority",
        ),
        (
            json!({"process": {"cpu_affinity": {"initial": "x"}}}),
            "options.process.cpu_affinity.initial",
        ),
        (json!({"process": {"personality": {}}}), "options.process.personality.domain"),
        (
            json!({"process": {"memory_policy": {"mode": "MEMORY_POLICY_MODE_BIND"}}}),
            "options.process.memory_policy.nodes",
        ),
        (json!({"user": {"umask": 512}}), "options.user.umask"),
        (
            json!({"user": {"user": "5"}, "namespaces": {"uid_mappings": [{"host_id": 1, "size": 1}], "gid_mappings": [{"host_id": 1, "size": 1}]}}),
            "options.user.user",
        ),
        (json!({"capabilities": {"ambient": ["SYS_ADMIN"]}}), "options.capabilities.ambient[0]"),
        (json!({"root": {"path": ""}}), "options.root.path"),
        (json!({"mounts": {"tmpfs": [{"destination": "/proc/x"}]}}), "options.mounts.tmpfs[0]"),
        (
            json!({"mounts": {"add": [{"destination": "/a", "type": "bind", "source": "/b"}]}}),
            "options.mounts.add[0].type",
        ),
        (json!({"hostname": long.as_str()}), "options.hostname"),
        (json!({"domainname": long.as_str()}), "options.domainname"),
        (json!({"hostname": "h", "namespaces": {"uts": {"host": {}}}}), "options.hostname"),
        (
            json!({"namespaces": {"uid_mappings": [{"size": 0}], "gid_mappings": [{"size": 1}]}}),
            "options.namespaces.uid_mappings",
        ),
        (
            json!({"namespaces": {"uid_mappings": [{"size": 1}], "gid_mappings": [{"size": 0}]}}),
            "options.namespaces.gid_mappings",
        ),
        (json!({"namespaces": {"user_range": {"size": 0}}}), "options.namespaces.user_range"),
        (
            json!({"namespaces": {"time_offsets": {"monotonic": {"nanosecs": 1_000_000_000}}}}),
            "options.namespaces.time_offsets.monotonic",
        ),
        (
            json!({"namespaces": {"net_devices": {"eth/0": ""}}}),
            "options.namespaces.net_devices[\"eth/0\"]",
        ),
        (json!({"resources": {"cpu": {"cpus": "x"}}}), "options.resources.cpu.cpus"),
        (json!({"resources": {"memory": {"limit": -2}}}), "options.resources.memory.limit"),
        (json!({"resources": {"pids_limit": 5_000_000}}), "options.resources.pids_limit"),
        (json!({"resources": {"block_io": {"weight": 9}}}), "options.resources.block_io.weight"),
        (
            json!({"resources": {"hugepage_limits": {"2mb": 1}}}),
            "options.resources.hugepage_limits[\"2mb\"]",
        ),
        (
            json!({"resources": {"unified": {"memory": "1"}}}),
            "options.resources.unified[\"memory\"]",
        ),
        (
            json!({"resources": {"network": {"priorities": [{"name": "a b"}]}}}),
            "options.resources.network.priorities[0].name",
        ),
        (
            json!({"resources": {"rdma": {"a b": {"hca_handles": 1}}}}),
            "options.resources.rdma[\"a b\"].hca_handles",
        ),
        (json!({"resources": {"rdt": {"clos_id": ".."}}}), "options.resources.rdt.clos_id"),
        (
            json!({"devices": {"rules": [{"type": "DEVICE_TYPE_CHAR", "access": "x"}]}}),
            "options.devices.rules[0].access",
        ),
        (
            json!({"devices": {"nodes": [{"path": "dev/x", "type": "DEVICE_TYPE_CHAR"}]}}),
            "options.devices.nodes[0].path",
        ),
        (
            json!({"security": {"masked_paths": {"values": ["proc"]}}}),
            "options.security.masked_paths.values[0]",
        ),
        (
            json!({"security": {"masked_paths_add": ["/proc/x", "proc"]}}),
            "options.security.masked_paths_add[1]",
        ),
        (
            json!({"security": {"readonly_paths_add": ["proc"]}}),
            "options.security.readonly_paths_add[0]",
        ),
        (
            json!({"security": {"masked_paths_remove": ["proc"]}}),
            "options.security.masked_paths_remove[0]",
        ),
        (
            json!({"security": {"readonly_paths_remove": ["proc"]}}),
            "options.security.readonly_paths_remove[0]",
        ),
        (
            json!({"security": {"readonly_paths": {"values": ["proc"]}}}),
            "options.security.readonly_paths.values[0]",
        ),
        (
            json!({"security": {"sysctl": {"vm.swappiness": "1"}}}),
            "options.security.sysctl[\"vm.swappiness\"]",
        ),
        (json!({"hooks": {"prestart": [{"path": "true"}]}}), "options.hooks.prestart[0].path"),
        (json!({"init": {"path": "tini"}}), "options.init.path"),
        (json!({"init": {"path": "/tini"}, "namespaces": {"pid": {"host": {}}}}), "options.init"),
        (json!({"cgroup": {"path": "/a\0"}}), "options.cgroup.path"),
        (json!({"cgroup": {"parent": "a"}}), "options.cgroup.parent"),
        (json!({"oci_version": "9"}), "options.oci_version"),
        (json!({"spec_merge_patch": r#"{"process":{"cwd":"srv"}}"#}), "options.spec_merge_patch"),
    ]
}

/// Fields of options that no rule on a finished spec can refuse, with the reason.
const WITHOUT: &[(&str, &str)] = &[
    ("annotations", "an empty key is refused with the request; any other is valid"),
    (
        "cdi_devices",
        "names are checked with the request, and edits where the specifications are read",
    ),
    ("mounts.dev_shm_size_kb", "any size is an option that tmpfs accepts"),
    ("mounts.host_localtime", "a fixed mount"),
    ("mounts.image_volumes", "depends on the image"),
    ("mounts.remove", "a missing mount on /proc is a warning"),
    ("mounts.vm_network", "fixed mounts"),
    ("mounts.writable_cgroupfs", "a fixed option"),
    ("mounts.writable_sysfs", "a fixed option"),
    ("process.console_size", "any size is valid"),
    ("process.terminal", "true or false"),
    ("root.propagation", "an enum, checked with the request"),
    ("root.readonly", "true or false"),
    ("security.apparmor_profile", "depends on the host"),
    ("security.mount_label", "depends on the host"),
    ("security.no_new_privileges", "true or false"),
    ("security.privileged", "an enum"),
    ("security.seccomp", "checked where the policy is read"),
    ("security.selinux_label", "depends on the host"),
    ("user.additional_groups", "resolved, or refused with the request"),
    ("user.username", "the same as user"),
    ("user.without_groups", "true or false"),
    ("capabilities.add", "names are checked by the step"),
    ("capabilities.drop", "names are checked by the step"),
    ("capabilities.set", "names are checked by the step"),
    ("devices.all_host", "depends on the host"),
    ("devices.allow_all", "a fixed rule"),
    ("devices.allow_default", "fixed rules"),
    ("devices.host", "depends on the host"),
    ("devices.inherit_rules", "removes rules"),
    ("namespaces.cgroup", "one kind of many, see uts"),
    ("namespaces.ipc", "one kind of many, see uts"),
    ("namespaces.mount", "one kind of many, see uts"),
    ("namespaces.network", "one kind of many, see uts"),
    ("namespaces.pid", "one kind of many, see uts"),
    ("namespaces.time", "one kind of many, see uts"),
    ("namespaces.user", "one kind of many, see uts"),
    ("rootless.gid", "one mapping that is always valid"),
    ("rootless.uid", "one mapping that is always valid"),
    ("namespaces.user_mounts", "an enum, checked with the request"),
    ("cgroup.systemd", "checked with the request"),
    ("hooks.create_container", "one list of many, see prestart"),
    ("hooks.create_runtime", "one list of many, see prestart"),
    ("hooks.poststart", "one list of many, see prestart"),
    ("hooks.poststop", "one list of many, see prestart"),
    ("hooks.start_container", "one list of many, see prestart"),
    ("namespaces.uts", "the host name that it contradicts is named"),
    ("process.env", "checked with the request"),
];

#[tokio::test]
async fn a_broken_rule_names_the_field_that_set_the_place() {
    let fixture = Fixture::new(br#"{"config": {"Cmd": ["sh"], "Env": ["PATH=/bin"]}}"#, None, None);
    for (options, field) in cases() {
        let request = json!({"namespace": "default", "id": "web-1", "options": options});
        let request = request_json::parse(&request.to_string());
        let Err(status) = fixture.generate(request).await else { panic!("{options} is accepted") };
        let violations = status.get_error_details().bad_request().unwrap().field_violations.clone();
        let fields: Vec<&str> = violations.iter().map(|one| one.field.as_str()).collect();
        assert!(fields.contains(&field), "{options}: {fields:?} and not {field}");
    }
}

/// A new option has a case, or a reason why no rule can refuse it.
#[test]
fn every_option_has_a_case_or_a_reason() {
    let pool = prost_reflect::DescriptorPool::decode(DESCRIPTORS).unwrap();
    let options = pool.get_message_by_name("specd.v1.SpecOptions").unwrap();
    let mut fields = BTreeSet::new();
    for field in options.fields() {
        let kind = field.kind();
        match kind
            .as_message()
            .filter(|message| !field.is_map() && message.parent_message().is_none())
        {
            Some(message) if message.full_name() != "specd.v1.StringList" => {
                for inner in message.fields() {
                    fields.insert(format!("{}.{}", field.name(), inner.name()));
                }
            }
            _ => {
                fields.insert(field.name().to_owned());
            }
        }
    }
    let named: Vec<&str> = cases().into_iter().map(|(_, field)| field).collect();
    for (without, _) in WITHOUT {
        assert!(fields.remove(*without), "{without} is not an option");
    }
    fields.retain(|field| {
        let starts = |named: &&str| {
            let rest =
                named.strip_prefix("options.").and_then(|named| named.strip_prefix(field.as_str()));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        !named.iter().any(starts)
    });
    assert!(fields.is_empty(), "without a case: {fields:?}");
}
