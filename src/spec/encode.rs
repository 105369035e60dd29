//! From a spec to its bytes, the same ones each time.
//!
//! The form is that of Go's `json.Marshal` on the same spec: the order of fields, maps sorted by key,
//! capabilities in the order in which they were listed, and `<`, `>` and `&` escaped. So a digest of the
//! bytes says "same as containerd's".
//!
//! Invariant: no order in the output comes from a hash map.

use crate::spec::draft::Draft;
use crate::spec::error::SpecError;
use crate::spec::merge_patch;
use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter};
use serde_json::{Map, Value};
use std::io;

/// The type URL under which containerd knows a runtime spec. No `type.googleapis.com/` stands before it.
///
/// containerd: `typeurl.Register` in `client`.
pub const TYPE_URL: &str = "types.containerd.io/opencontainers/runtime-spec/1/Spec";

/// A spec as it travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// The JSON.
    pub json: Vec<u8>,
    /// What was filled in or will matter later.
    pub warnings: Vec<String>,
}

/// Objects whose keys are data, and which oci-spec holds as hash maps.
const MAPS: [&str; 6] = ["annotations", "sysctl", "netDevices", "timeOffsets", "rdma", "unified"];

/// The order of the sections, where oci-spec's differs from the Go types'.
const SECTIONS: [&str; 13] = [
    "ociVersion",
    "process",
    "root",
    "hostname",
    "domainname",
    "mounts",
    "hooks",
    "annotations",
    "linux",
    "solaris",
    "windows",
    "vm",
    "zos",
];

/// The order of what is in the section `linux`, where oci-spec's differs from the Go types'.
const LINUX: [&str; 17] = [
    "uidMappings",
    "gidMappings",
    "sysctl",
    "resources",
    "cgroupsPath",
    "namespaces",
    "devices",
    "netDevices",
    "seccomp",
    "rootfsPropagation",
    "maskedPaths",
    "readonlyPaths",
    "mountLabel",
    "intelRdt",
    "memoryPolicy",
    "personality",
    "timeOffsets",
];

/// Encodes a finished draft, with a merge patch on it.
///
/// The patch is applied to the JSON, so that a field which no type here knows survives it.
///
/// # Errors
///
/// [`SpecError::Request`] where the patch is none, or leaves no spec. [`SpecError::Profile`] where the spec has a path that is not UTF-8, which no profile and no request
/// can hold.
pub fn encode(mut draft: Draft, patch: Option<&str>) -> Result<Encoded, SpecError> {
    let warnings = std::mem::take(&mut draft.warnings);
    let broken = |error: serde_json::Error| SpecError::Profile {
        name: "the assembled spec".to_owned(),
        reason: error.to_string(),
    };
    let (spec, capabilities) = draft.into_spec();
    let mut value = serde_json::to_value(spec).map_err(broken)?;
    if let Some(process) = value.get_mut("process").and_then(Value::as_object_mut) {
        let mut lists = Map::new();
        for (name, list) in capabilities.iter() {
            lists.insert(name.to_owned(), serde_json::to_value(list).map_err(broken)?);
        }
        insert_before(process, "rlimits", "capabilities", lists.into());
    }
    if let Some(patch) = patch {
        apply(&mut value, patch)?;
    }
    sort_maps(&mut value);
    if let Value::Object(sections) = &mut value {
        sort_by_position(sections, &SECTIONS);
        if let Some(Value::Object(linux)) = sections.get_mut("linux") {
            sort_by_position(linux, &LINUX);
            drop_empty_access(linux);
        }
    }
    let mut json = Vec::with_capacity(4096);
    let mut serializer = serde_json::Serializer::with_formatter(&mut json, GoFormatter);
    value.serialize(&mut serializer).map_err(broken)?;
    Ok(Encoded { json, warnings })
}

fn apply(value: &mut Value, patch: &str) -> Result<(), SpecError> {
    const FIELD: &str = "options.spec_merge_patch";
    let patch: Value = serde_json::from_str(patch)
        .map_err(|error| SpecError::field(FIELD, format!("is no JSON: {error}")))?;
    if !patch.is_object() {
        return Err(SpecError::field(FIELD, "must be an object"));
    }
    merge_patch::apply(value, patch);
    Draft::take(value.clone())
        .map_err(|reason| SpecError::field(FIELD, format!("leaves no spec: {reason}")))?;
    Ok(())
}

/// Puts a key before another, or at the end.
fn insert_before(object: &mut Map<String, Value>, next: &str, key: &str, value: Value) {
    let index = object.keys().position(|name| name == next).unwrap_or(object.len());
    object.shift_insert(index, key.to_owned(), value);
}

/// Sorts every object whose keys are data, and puts the ids of a mapping in the order of the Go type.
fn sort_maps(value: &mut Value) {
    match value {
        Value::Object(object) => {
            if let Some(inside) = object.shift_remove("containerID") {
                object.shift_insert(0, "containerID".to_owned(), inside);
            }
            for (key, inner) in object.iter_mut() {
                sort_maps(inner);
                if let Value::Object(map) = inner
                    && MAPS.contains(&key.as_str())
                {
                    map.sort_keys();
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(sort_maps),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn sort_by_position(sections: &mut Map<String, Value>, order: &[&str]) {
    let position = |key: &str| order.iter().position(|name| *name == key);
    let mut entries: Vec<(String, Value)> = std::mem::take(sections).into_iter().collect();
    entries.sort_by_key(|(key, _)| position(key).unwrap_or(order.len()));
    sections.extend(entries);
}

/// A rule that allows nothing has no access at all, where oci-spec writes null.
fn drop_empty_access(linux: &mut Map<String, Value>) {
    let rules = linux.get_mut("resources").and_then(|resources| resources.get_mut("devices"));
    for rule in rules.and_then(Value::as_array_mut).into_iter().flatten() {
        if let Value::Object(rule) = rule
            && rule.get("access").is_some_and(Value::is_null)
        {
            rule.shift_remove("access");
        }
    }
}

/// Compact JSON with the escapes of Go's `encoding/json`.
struct GoFormatter;

impl Formatter for GoFormatter {
    fn write_string_fragment<W>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + io::Write,
    {
        let mut rest = fragment;
        while let Some(at) = rest.find(['<', '>', '&', '\u{2028}', '\u{2029}']) {
            let mut tail = rest[at..].chars();
            let special = tail.next().map_or(0, u32::from);
            CompactFormatter.write_string_fragment(writer, &rest[..at])?;
            write!(writer, "\\u{special:04x}")?;
            rest = tail.as_str();
        }
        CompactFormatter.write_string_fragment(writer, rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn draft(extra: &Value) -> Draft {
        let mut spec = json!({
            "ociVersion": "1.1.0",
            "process": {
                "user": { "uid": 0, "gid": 0 },
                "cwd": "/",
                "capabilities": { "bounding": ["CAP_SETUID", "CAP_CHOWN"] },
                "rlimits": [{ "type": "RLIMIT_NOFILE", "hard": 2, "soft": 1 }]
            },
            "root": { "path": "rootfs" },
            "mounts": [],
            "linux": {}
        });
        for (key, value) in extra.as_object().unwrap() {
            spec[key] = value.clone();
        }
        Draft::take(spec).unwrap()
    }

    fn text(extra: &Value) -> String {
        String::from_utf8(encode(draft(extra), None).unwrap().json).unwrap()
    }

    #[test]
    fn sections_and_capabilities_keep_gos_order() {
        assert_eq!(
            text(&json!({ "hostname": "h" })),
            r#"{"ociVersion":"1.1.0","process":{"user":{"uid":0,"gid":0},"cwd":"/","capabilities":{"bounding":["CAP_SETUID","CAP_CHOWN"]},"rlimits":[{"type":"RLIMIT_NOFILE","hard":2,"soft":1}]},"root":{"path":"rootfs"},"hostname":"h","mounts":[],"linux":{}}"#
        );
    }

    #[test]
    fn every_map_is_sorted() {
        let keys: Vec<String> = (0..40).map(|n| format!("k{n:02}")).collect();
        let map: Value =
            keys.iter().rev().map(|key| (key.clone(), json!("v"))).collect::<Map<_, _>>().into();
        let rdma: Value =
            keys.iter().rev().map(|key| (key.clone(), json!({}))).collect::<Map<_, _>>().into();
        let text = text(&json!({
            "annotations": map,
            "linux": {
                "sysctl": map, "netDevices": rdma, "timeOffsets": {"monotonic": {}, "boottime": {}},
                "resources": { "rdma": rdma, "unified": map }
            }
        }));
        let value: Value = serde_json::from_str(&text).unwrap();
        for path in [
            "/annotations",
            "/linux/sysctl",
            "/linux/netDevices",
            "/linux/resources/rdma",
            "/linux/resources/unified",
        ] {
            let found: Vec<&String> =
                value.pointer(path).unwrap().as_object().unwrap().keys().collect();
            assert_eq!(found, keys.iter().collect::<Vec<_>>(), "{path}");
        }
    }

    #[test]
    fn html_is_escaped_as_go_escapes_it() {
        let text = text(&json!({ "annotations": { "h": "<&>\u{2028}\u{2029}\"\\\n\u{1}ü" } }));
        assert!(text.contains(r#"{"h":"\u003c\u0026\u003e\u2028\u2029\"\\\n\u0001ü"}"#), "{text}");
    }

    #[test]
    fn fields_that_are_missing_are_named() {
        let error = Draft::take(json!({ "process": {} })).unwrap_err();
        assert!(error.contains("user") || error.contains("cwd"), "{error}");
        assert_eq!(Draft::take(json!({})).unwrap_err(), "process is missing");
    }
}
