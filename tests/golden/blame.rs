//! Every option that can be wrong has a golden case in which it is named.

use crate::support::golden::cases;
use specd::api::pb::specd::DESCRIPTORS;
use std::collections::BTreeSet;

/// Fields of options that no golden case refuses, with the reason.
const WITHOUT: &[(&str, &str)] = &[
    ("annotations", "an empty key is refused with the request; any other is valid"),
    ("mounts.host_localtime", "a fixed mount"),
    ("mounts.remove", "a missing mount on /proc is a warning"),
    ("mounts.vm_network", "fixed mounts"),
    ("mounts.writable_cgroupfs", "a fixed option"),
    ("mounts.writable_sysfs", "a fixed option"),
    ("root.propagation", "an enum, checked with the request"),
    ("root.readonly", "true or false"),
    ("security.mount_label", "depends on the host"),
    ("security.no_new_privileges", "true or false"),
    ("security.privileged", "an enum"),
    ("security.selinux_label", "depends on the host"),
    ("user.without_groups", "true or false"),
    ("capabilities.set", "names are checked by the step"),
    ("devices.all_host", "depends on the host"),
    ("devices.allow_all", "a fixed rule"),
    ("devices.allow_default", "fixed rules"),
    ("devices.inherit_rules", "removes rules"),
    ("namespaces.cgroup", "one kind of many, see user"),
    ("namespaces.ipc", "one kind of many, see user"),
    ("namespaces.network", "one kind of many, see user"),
    ("namespaces.pid", "one kind of many, see user"),
    ("rootless.gid", "one mapping that is always valid"),
    ("rootless.uid", "one mapping that is always valid"),
    ("namespaces.user_mounts", "an enum, checked with the request"),
    ("hooks.create_container", "one list of many, see poststop"),
    ("hooks.create_runtime", "one list of many, see poststop"),
    ("hooks.poststart", "one list of many, see poststop"),
    ("hooks.start_container", "one list of many, see poststop"),
    ("namespaces.uts", "the host name that it contradicts is named"),
];

/// A new option has a case that breaks its rule, or a reason why it has none.
#[test]
fn every_option_is_named_in_a_case_or_has_a_reason() {
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
    let answers = cases("generate").into_iter().map(|case| case.wanted().unwrap());
    let violations = answers.flat_map(|want| want["violations"].as_array().cloned());
    let violations: Vec<_> = violations.flatten().collect();
    let named = violations.iter().flat_map(|one| one.as_object().unwrap().keys());
    let named: Vec<&str> = named.filter_map(|field| field.strip_prefix("options.")).collect();
    fields.retain(|field| {
        let mut rest = named.iter().filter_map(|named| named.strip_prefix(field.as_str()));
        !rest.any(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    });
    for (without, _) in WITHOUT {
        assert!(fields.remove(*without), "{without} is not an option, or a case refuses it");
    }
    assert!(fields.is_empty(), "no case refuses {fields:?}");
}
