//! Which field of a request sets a place of the spec.
//!
//! Only fields that the request has are named: what a profile has set is not the caller's.

use super::{Place, PlaceStep};
use crate::domain::origin::snake_case;
use crate::domain::request::Options;
use crate::domain::sandbox::{NamespaceOf, cleaned};
use serde_json::Value;

/// The field that has set a place, if one has.
pub(super) fn field(place: &Place, spec: &Value, options: &Options) -> Option<String> {
    let keys: Vec<&str> = place
        .iter()
        .map(|step| match step {
            PlaceStep::Key(key) => key.as_str(),
            PlaceStep::Index(_) => "",
        })
        .collect();
    let item = || item(place, spec);
    let process = &options.process;
    match keys.as_slice() {
        ["process", "args", ..] => {
            let by = |name: &str| format!("options.process.{name}");
            let entrypoint = process.entrypoint.as_ref().map(|_| by("entrypoint"));
            entrypoint.or_else(|| process.command.as_ref().map(|_| by("command")))
        }
        ["process", "cwd"] => process.cwd.as_ref().map(|_| "options.process.cwd".to_owned()),
        ["process", "env", ..] => {
            let at = process.env.iter().position(|entry| item().as_str() == Some(entry))?;
            Some(format!("options.process.env[{at}]"))
        }
        ["process", "rlimits", _, name] => {
            let mut limits = process.rlimits.iter();
            let at = limits.position(|limit| item()["type"].as_str() == Some(&limit.name))?;
            Some(format!("options.process.rlimits[{at}].{name}"))
        }
        ["process", "oomScoreAdj"] => {
            process.oom_score_adj.map(|_| "options.process.oom_score_adj".to_owned())
        }
        ["process", name @ ("scheduler" | "ioPriority" | "execCPUAffinity"), ..] => {
            let (field, set) = match *name {
                "scheduler" => ("scheduler", process.scheduler.is_some()),
                "ioPriority" => ("io_priority", process.io_priority.is_some()),
                _ => ("cpu_affinity", process.cpu_affinity.is_some()),
            };
            set.then(|| format!("options.process.{field}"))
        }
        ["process", "user", name, ..] => user(name, options),
        ["process", "capabilities", list, ..] => capabilities(list, options),
        [name @ ("hostname" | "domainname")] => {
            let set = if *name == "hostname" { &options.hostname } else { &options.domainname };
            set.as_ref().map(|_| format!("options.{name}"))
        }
        ["annotations", key] => {
            let set = options.annotations.contains_key(*key);
            set.then(|| format!("options.annotations[{key:?}]"))
        }
        ["mounts"] if !options.mounts.remove.is_empty() => Some("options.mounts.remove".to_owned()),
        ["mounts", _, rest @ ..] => {
            let path = cleaned(item()["destination"].as_str()?);
            let mut added = options.mounts.add.iter();
            let at = added.position(|mount| cleaned(&mount.destination) == path)?;
            let rest: Vec<String> = rest.iter().map(|key| snake_case(key)).collect();
            let name = rest.first().map(|name| format!(".{name}")).unwrap_or_default();
            Some(format!("options.mounts.add[{at}]{name}"))
        }
        ["hooks", ..] if !options.hooks.is_empty() => Some("options.hooks".to_owned()),
        ["ociVersion"] => options.oci_version.as_ref().map(|_| "options.oci_version".to_owned()),
        ["linux", rest @ ..] => linux(rest, &item, options),
        _ => None,
    }
}

fn linux<'a>(keys: &[&str], item: &impl Fn() -> &'a Value, options: &Options) -> Option<String> {
    let security = &options.security;
    match keys {
        ["namespaces", "", ..] => namespace(item()["type"].as_str()?, options),
        ["namespaces", kind] => namespace(kind, options),
        ["uidMappings", ..] if !options.namespaces.uid_mappings.is_empty() => {
            Some("options.namespaces.uid_mappings".to_owned())
        }
        ["gidMappings", ..] if !options.namespaces.gid_mappings.is_empty() => {
            Some("options.namespaces.gid_mappings".to_owned())
        }
        ["timeOffsets", ..] if !options.namespaces.time_offsets.is_empty() => {
            Some("options.namespaces.time_offsets".to_owned())
        }
        ["netDevices", ..] if !options.namespaces.net_devices.is_empty() => {
            Some("options.namespaces.net_devices".to_owned())
        }
        ["personality", ..] => {
            options.process.personality.as_ref().map(|_| "options.process.personality".to_owned())
        }
        ["memoryPolicy", ..] => options
            .process
            .memory_policy
            .as_ref()
            .map(|_| "options.process.memory_policy".to_owned()),
        ["intelRdt", ..] => options.rdt.as_ref().map(|_| "options.resources.rdt".to_owned()),
        ["rootfsPropagation"] => {
            options.root.propagation.map(|_| "options.root.propagation".to_owned())
        }
        ["maskedPaths", ..] => {
            security.masked_paths.as_ref().map(|_| "options.security.masked_paths".to_owned())
        }
        ["readonlyPaths", ..] => {
            security.readonly_paths.as_ref().map(|_| "options.security.readonly_paths".to_owned())
        }
        ["sysctl", key] => {
            let set = security.sysctl.contains_key(*key);
            set.then(|| format!("options.security.sysctl[{key:?}]"))
        }
        ["seccomp", ..] => security.seccomp.as_ref().map(|_| "options.security.seccomp".to_owned()),
        ["devices", "", ..] => {
            let mut nodes = options.devices.nodes.iter();
            let at = nodes.position(|node| item()["path"].as_str() == Some(&node.path))?;
            Some(format!("options.devices.nodes[{at}]"))
        }
        ["resources", rest @ ..] => resources(rest, options),
        _ => None,
    }
}

fn resources(keys: &[&str], options: &Options) -> Option<String> {
    let all = &options.resources;
    match keys {
        ["devices", ..] => {
            let by = [
                ("devices.rules", !options.devices.rules.is_empty()),
                ("cdi_devices", !options.cdi_devices.is_empty()),
            ];
            let set = by.into_iter().find(|(_, set)| *set);
            set.map(|(field, _)| format!("options.{field}"))
        }
        ["memory", name] => {
            let set = serde_json::to_value(all.memory.as_ref()?).ok()?;
            set.get(name).map(|_| format!("options.resources.memory.{}", snake_case(name)))
        }
        ["cpu", name] => {
            let set = serde_json::to_value(all.cpu.as_ref()?).ok()?;
            set.get(name).map(|_| format!("options.resources.cpu.{}", snake_case(name)))
        }
        ["hugepageLimits", ..] => (!all.hugepage_limits.is_empty())
            .then(|| "options.resources.hugepage_limits".to_owned()),
        ["unified", key] => {
            let set = all.unified.contains_key(*key);
            set.then(|| format!("options.resources.unified[{key:?}]"))
        }
        _ => None,
    }
}

/// The item of a list that a place is in; `null` where it is in none.
fn item<'a>(place: &Place, spec: &'a Value) -> &'a Value {
    static NONE: Value = Value::Null;
    let mut value = spec;
    for step in place {
        value = match step {
            PlaceStep::Key(key) => value.get(key).unwrap_or(&NONE),
            PlaceStep::Index(index) => return value.get(index).unwrap_or(&NONE),
        };
    }
    &NONE
}

fn user(name: &str, options: &Options) -> Option<String> {
    if name == "additionalGids" && !options.user.additional_groups.is_empty() {
        return Some("options.user.additional_groups".to_owned());
    }
    options.user.user.as_ref().map(|_| "options.user.user".to_owned())
}

fn capabilities(list: &str, options: &Options) -> Option<String> {
    let capabilities = &options.capabilities;
    let set = [
        ("ambient", list == "ambient" && !capabilities.ambient.is_empty()),
        ("set", capabilities.set.is_some()),
        ("add", !capabilities.add.is_empty()),
        ("drop", !capabilities.drop.is_empty()),
        ("ambient", !capabilities.ambient.is_empty()),
    ];
    let (name, _) = set.into_iter().find(|(_, set)| *set)?;
    Some(format!("options.capabilities.{name}"))
}

/// The field that has put a kind of namespace where it is, or has taken it away.
fn namespace(kind: &str, options: &Options) -> Option<String> {
    let set = options.namespaces.of.iter().find(|(of, _)| of.name() == kind);
    set.map(|(_, of)| match of {
        NamespaceOf::Path(_) => format!("options.namespaces.{kind}.path"),
        NamespaceOf::Host | NamespaceOf::Private => format!("options.namespaces.{kind}"),
    })
}
