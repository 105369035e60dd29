//! The order of fields: that of the Go types of the runtime specification, as data.
//!
//! Go prints the fields of a struct as they are declared and the keys of a map sorted. Fields that no Go
//! type has stand last, in the order in which they came. A field of a struct that is null is none.
//!
//! Invariant: no order in the output comes from a hash map.

use serde_json::{Map, Value};

/// What a value is in Go.
enum Shape {
    /// Something without fields, or without an order of its own.
    Plain,
    /// A map: sorted by key.
    Map(&'static Shape),
    /// A list.
    List(&'static Shape),
    /// A struct: its fields as they are declared, each with what it is.
    Struct(&'static [(&'static str, Shape)]),
}
use Shape::{List, Plain, Struct};

const STRINGS: Shape = Shape::Map(&Plain);

const SPEC: Shape = Struct(&[
    ("ociVersion", Plain),
    ("process", PROCESS),
    ("root", Struct(&[("path", Plain), ("readonly", Plain)])),
    ("hostname", Plain),
    ("domainname", Plain),
    ("mounts", List(&MOUNT)),
    ("hooks", HOOKS),
    ("annotations", STRINGS),
    ("linux", LINUX),
    ("solaris", Plain),
    ("windows", Plain),
    ("vm", Plain),
    ("zos", Plain),
    ("freebsd", Plain),
]);

const PROCESS: Shape = Struct(&[
    ("terminal", Plain),
    ("consoleSize", Struct(&[("height", Plain), ("width", Plain)])),
    ("user", USER),
    ("args", Plain),
    ("commandLine", Plain),
    ("env", Plain),
    ("cwd", Plain),
    ("capabilities", CAPABILITIES),
    ("rlimits", List(&Struct(&[("type", Plain), ("hard", Plain), ("soft", Plain)]))),
    ("noNewPrivileges", Plain),
    ("apparmorProfile", Plain),
    ("oomScoreAdj", Plain),
    ("scheduler", SCHEDULER),
    ("selinuxLabel", Plain),
    ("ioPriority", Struct(&[("class", Plain), ("priority", Plain)])),
    ("execCPUAffinity", Struct(&[("initial", Plain), ("final", Plain)])),
]);

const USER: Shape = Struct(&[
    ("uid", Plain),
    ("gid", Plain),
    ("umask", Plain),
    ("additionalGids", Plain),
    ("username", Plain),
]);

const CAPABILITIES: Shape = Struct(&[
    ("bounding", Plain),
    ("effective", Plain),
    ("inheritable", Plain),
    ("permitted", Plain),
    ("ambient", Plain),
]);

const SCHEDULER: Shape = Struct(&[
    ("policy", Plain),
    ("nice", Plain),
    ("priority", Plain),
    ("flags", Plain),
    ("runtime", Plain),
    ("deadline", Plain),
    ("period", Plain),
]);

const MOUNT: Shape = Struct(&[
    ("destination", Plain),
    ("type", Plain),
    ("source", Plain),
    ("options", Plain),
    ("uidMappings", MAPPINGS),
    ("gidMappings", MAPPINGS),
]);

const MAPPINGS: Shape =
    List(&Struct(&[("containerID", Plain), ("hostID", Plain), ("size", Plain)]));

const HOOKS: Shape = Struct(&[
    ("prestart", HOOK_LIST),
    ("createRuntime", HOOK_LIST),
    ("createContainer", HOOK_LIST),
    ("startContainer", HOOK_LIST),
    ("poststart", HOOK_LIST),
    ("poststop", HOOK_LIST),
]);

const HOOK_LIST: Shape =
    List(&Struct(&[("path", Plain), ("args", Plain), ("env", Plain), ("timeout", Plain)]));

const LINUX: Shape = Struct(&[
    ("uidMappings", MAPPINGS),
    ("gidMappings", MAPPINGS),
    ("sysctl", STRINGS),
    ("resources", RESOURCES),
    ("cgroupsPath", Plain),
    ("namespaces", List(&Struct(&[("type", Plain), ("path", Plain)]))),
    ("devices", List(&DEVICE)),
    ("netDevices", Shape::Map(&Struct(&[("name", Plain)]))),
    ("seccomp", SECCOMP),
    ("rootfsPropagation", Plain),
    ("maskedPaths", Plain),
    ("readonlyPaths", Plain),
    ("mountLabel", Plain),
    ("intelRdt", RDT),
    ("memoryPolicy", Struct(&[("mode", Plain), ("nodes", Plain), ("flags", Plain)])),
    ("personality", Struct(&[("domain", Plain), ("flags", Plain)])),
    ("timeOffsets", Shape::Map(&Struct(&[("secs", Plain), ("nanosecs", Plain)]))),
]);

/// With the two fields that the specification had from 1.1 to 1.2, at their place of then.
const RDT: Shape = Struct(&[
    ("closID", Plain),
    ("schemata", Plain),
    ("l3CacheSchema", Plain),
    ("memBwSchema", Plain),
    ("enableCMT", Plain),
    ("enableMBM", Plain),
    ("enableMonitoring", Plain),
]);

const RESOURCES: Shape = Struct(&[
    ("devices", List(&DEVICE_RULE)),
    ("memory", MEMORY),
    ("cpu", CPU),
    ("pids", Plain),
    ("blockIO", BLOCK_IO),
    ("hugepageLimits", List(&Struct(&[("pageSize", Plain), ("limit", Plain)]))),
    ("network", NETWORK),
    ("rdma", Shape::Map(&Struct(&[("hcaHandles", Plain), ("hcaObjects", Plain)]))),
    ("unified", STRINGS),
]);

const DEVICE: Shape = Struct(&[
    ("path", Plain),
    ("type", Plain),
    ("major", Plain),
    ("minor", Plain),
    ("fileMode", Plain),
    ("uid", Plain),
    ("gid", Plain),
]);

const DEVICE_RULE: Shape = Struct(&[
    ("allow", Plain),
    ("type", Plain),
    ("major", Plain),
    ("minor", Plain),
    ("access", Plain),
]);

const MEMORY: Shape = Struct(&[
    ("limit", Plain),
    ("reservation", Plain),
    ("swap", Plain),
    ("kernel", Plain),
    ("kernelTCP", Plain),
    ("swappiness", Plain),
    ("disableOOMKiller", Plain),
    ("useHierarchy", Plain),
    ("checkBeforeUpdate", Plain),
]);

const CPU: Shape = Struct(&[
    ("shares", Plain),
    ("quota", Plain),
    ("burst", Plain),
    ("period", Plain),
    ("realtimeRuntime", Plain),
    ("realtimePeriod", Plain),
    ("cpus", Plain),
    ("mems", Plain),
    ("idle", Plain),
]);

const BLOCK_IO: Shape = Struct(&[
    ("weight", Plain),
    ("leafWeight", Plain),
    ("weightDevice", List(&WEIGHT)),
    ("throttleReadBpsDevice", List(&RATE)),
    ("throttleWriteBpsDevice", List(&RATE)),
    ("throttleReadIOPSDevice", List(&RATE)),
    ("throttleWriteIOPSDevice", List(&RATE)),
]);

const WEIGHT: Shape =
    Struct(&[("major", Plain), ("minor", Plain), ("weight", Plain), ("leafWeight", Plain)]);

const RATE: Shape = Struct(&[("major", Plain), ("minor", Plain), ("rate", Plain)]);

const NETWORK: Shape = Struct(&[
    ("classID", Plain),
    ("priorities", List(&Struct(&[("name", Plain), ("priority", Plain)]))),
]);

const SECCOMP: Shape = Struct(&[
    ("defaultAction", Plain),
    ("defaultErrnoRet", Plain),
    ("architectures", Plain),
    ("flags", Plain),
    ("listenerPath", Plain),
    ("listenerMetadata", Plain),
    ("syscalls", List(&SYSCALL)),
]);

const SYSCALL: Shape = Struct(&[
    ("names", Plain),
    ("action", Plain),
    ("errnoRet", Plain),
    ("args", List(&SYSCALL_ARG)),
]);

const SYSCALL_ARG: Shape =
    Struct(&[("index", Plain), ("value", Plain), ("valueTwo", Plain), ("op", Plain)]);

/// Puts every field of a spec where Go's `json.Marshal` puts it.
pub(crate) fn order(spec: &mut Value) {
    arrange(spec, &SPEC);
}

/// The paths of the fields that no Go type has.
pub(crate) fn unknown(spec: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk(spec, &SPEC, "", &mut found);
    found
}

fn walk(value: &Value, shape: &Shape, at: &str, found: &mut Vec<String>) {
    let within = |key: &str| if at.is_empty() { key.to_owned() } else { format!("{at}.{key}") };
    match (value, shape) {
        (Value::Object(object), Struct(fields)) => {
            for (key, inner) in object {
                match fields.iter().find(|(name, _)| name == key) {
                    Some((_, shape)) => walk(inner, shape, &within(key), found),
                    None => found.push(within(key)),
                }
            }
        }
        (Value::Object(object), Shape::Map(shape)) => {
            object.iter().for_each(|(key, inner)| walk(inner, shape, &within(key), found));
        }
        (Value::Array(list), List(shape)) => {
            for (index, inner) in list.iter().enumerate() {
                walk(inner, shape, &format!("{at}[{index}]"), found);
            }
        }
        _ => {}
    }
}

fn arrange(value: &mut Value, shape: &Shape) {
    match (value, shape) {
        (Value::Object(object), Struct(fields)) => {
            object.retain(|_, inner| !inner.is_null());
            let position = |key: &str| {
                fields.iter().position(|(name, _)| *name == key).unwrap_or(fields.len())
            };
            if !object.keys().is_sorted_by_key(|key| position(key)) {
                let mut entries: Vec<(String, Value)> =
                    std::mem::take(object).into_iter().collect();
                entries.sort_by_key(|(key, _)| position(key));
                *object = Map::from_iter(entries);
            }
            for (name, shape) in *fields {
                if let Some(inner) = object.get_mut(*name).filter(|_| !matches!(shape, Plain)) {
                    arrange(inner, shape);
                }
            }
        }
        (Value::Object(object), Shape::Map(shape)) => {
            object.sort_keys();
            object.values_mut().for_each(|inner| arrange(inner, shape));
        }
        (Value::Array(list), List(shape)) => {
            list.iter_mut().for_each(|inner| arrange(inner, shape));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn structs_as_declared_maps_sorted_and_the_unknown_last() {
        let mut spec = json!({
            "zzz": {"b": 1, "a": 2},
            "linux": {"netDevices": {"b": {"name": null}, "a": {}}, "resources": {"cpu": {"idle": 1, "shares": 2}}},
            "invented": 1,
            "process": {"ioPriority": {"priority": 1, "class": "x"}, "scheduler": {}},
        });
        order(&mut spec);
        let text = r#"{"process":{"scheduler":{},"ioPriority":{"class":"x","priority":1}},"linux":{"resources":{"cpu":{"shares":2,"idle":1}},"netDevices":{"a":{},"b":{}}},"zzz":{"b":1,"a":2},"invented":1}"#;
        assert_eq!(spec.to_string(), text);
    }
}
