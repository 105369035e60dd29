//! From a spec to its bytes, the same ones each time.
//!
//! The form is that of Go's `json.Marshal` on the same spec: the order of fields, maps sorted by key,
//! capabilities in the order in which they were listed, and `<`, `>` and `&` escaped. So a digest of the
//! bytes says "same as containerd's".
//!
//! Invariant: no order in the output comes from a hash map.

use crate::spec::beyond;
use crate::spec::draft::Draft;
use crate::spec::error::SpecError;
use crate::spec::go_order;
use crate::spec::{merge_patch, versions};
use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter};
use serde_json::{Map, Value};
use std::io;

/// The type URL under which containerd knows a runtime spec. No `type.googleapis.com/` stands before it.
///
/// containerd: `typeurl.Register` in `client`.
pub const TYPE_URL: &str = "types.containerd.io/opencontainers/runtime-spec/1/Spec";

/// The same for the process of an exec.
pub const PROCESS_TYPE_URL: &str = "types.containerd.io/opencontainers/runtime-spec/1/Process";

/// The same for the limits of an update.
pub const RESOURCES_TYPE_URL: &str =
    "types.containerd.io/opencontainers/runtime-spec/1/LinuxResources";

/// A spec, or a part of one, as it travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// The JSON.
    pub json: Vec<u8>,
    /// What was filled in or will matter later.
    pub warnings: Vec<String>,
}

/// Encodes a finished draft, with a merge patch on it.
///
/// The patch is applied to the JSON, so that a field which no type here knows survives it.
///
/// # Errors
///
/// [`SpecError::Request`] where the patch is none, or leaves no spec. [`SpecError::Profile`] where the spec has a path that is not UTF-8, which no profile and no request
/// can hold.
pub fn encode(mut draft: Draft, patch: Option<&str>) -> Result<Encoded, SpecError> {
    let mut warnings = std::mem::take(&mut draft.warnings);
    let mut value = whole(draft)?;
    if let Some(patch) = patch {
        apply(&mut value, patch)?;
    }
    go_order::order(&mut value);
    warnings.extend(versions::newer_fields(&value));
    let mut json = Vec::with_capacity(4096);
    let mut serializer = serde_json::Serializer::with_formatter(&mut json, GoFormatter);
    value.serialize(&mut serializer).map_err(|error| broken(&error))?;
    Ok(Encoded { json, warnings })
}

/// A draft as one JSON value, which no patch has been applied to; in no order yet.
pub(crate) fn whole(draft: Draft) -> Result<Value, SpecError> {
    let (spec, capabilities, beyond) = draft.into_spec();
    let mut value = serde_json::to_value(spec).map_err(|error| broken(&error))?;
    if let Some(process) = value.get_mut("process").and_then(Value::as_object_mut) {
        let mut lists = Map::new();
        for (name, list) in capabilities.iter() {
            let list = serde_json::to_value(list).map_err(|error| broken(&error))?;
            lists.insert(name.to_owned(), list);
        }
        process.insert("capabilities".to_owned(), lists.into());
    }
    beyond::lay(&mut value, &beyond);
    Ok(value)
}

fn broken(error: &serde_json::Error) -> SpecError {
    SpecError::Profile { name: "the assembled spec".to_owned(), reason: error.to_string() }
}

fn apply(value: &mut Value, patch: &str) -> Result<(), SpecError> {
    const FIELD: &str = "options.spec_merge_patch";
    let patch: Value = serde_json::from_str(patch)
        .map_err(|error| SpecError::field(FIELD, format!("is no JSON: {error}")))?;
    if !patch.is_object() {
        return Err(SpecError::field(FIELD, "must be an object"));
    }
    merge_patch::apply(value, patch);
    Draft::check(value)
        .map_err(|reason| SpecError::field(FIELD, format!("leaves no spec: {reason}")))?;
    Ok(())
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

    /// Every field of a section that oci-spec lacks, names otherwise or holds in another order.
    #[test]
    fn no_field_is_lost_and_each_is_at_its_place() {
        let text = text(&json!({
            "freebsd": {"jail": {"vnet": "new"}},
            "invented": {"b": 1, "a": [{"x": null}]},
            "hooks": {"poststop": [{"path": "/p"}], "invented": [{"path": "/i"}]},
            "linux": {
                "invented": 1,
                "intelRdt": {"enableMonitoring": true, "enableCMT": true, "closID": "c"},
                "netDevices": {"eth1": {"name": "eth0"}},
                "resources": {"cpu": {"idle": 1, "shares": 2, "invented": 3}},
            }
        }));
        let end = r#""hooks":{"poststop":[{"path":"/p"}],"invented":[{"path":"/i"}]},"linux":{"resources":{"cpu":{"shares":2,"idle":1,"invented":3}},"netDevices":{"eth1":{"name":"eth0"}},"intelRdt":{"closID":"c","enableCMT":true,"enableMonitoring":true},"invented":1},"freebsd":{"jail":{"vnet":"new"}},"invented":{"b":1,"a":[{"x":null}]}}"#;
        assert!(text.ends_with(end), "{text}");
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
