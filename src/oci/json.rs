//! JSON in Go's form, and specs out of JSON.

use crate::oci::place::Place;
use crate::oci::{Member, WrongType};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::ser::{CompactFormatter, Formatter};
use std::io;

/// Writes a value as Go's `json.Marshal` does: compact, with `<`, `>`, `&`, U+2028 and U+2029 escaped.
///
/// # Errors
///
/// What `serde_json` reports; a type of this module has nothing that it refuses.
pub fn to_vec(value: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    let mut json = Vec::with_capacity(4096);
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut json, GoFormatter))?;
    Ok(json)
}

/// Reads a part of a spec out of JSON.
///
/// # Errors
///
/// Every value that has another type than the runtime spec gives its field.
pub fn from_value<T: Member + DeserializeOwned>(json: Value) -> Result<T, Vec<WrongType>> {
    let mut wrong = Vec::new();
    T::check_types(&json, &mut Place::default(), &mut wrong);
    if !wrong.is_empty() {
        return Err(wrong);
    }
    // The types were checked, so this cannot fail.
    serde_json::from_value(json)
        .map_err(|_| vec![WrongType { place: Place::default(), expected: "an object".into() }])
}

/// Compact JSON with the escapes of Go's `encoding/json`.
struct GoFormatter;

impl Formatter for GoFormatter {
    fn write_string_fragment<W>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + io::Write,
    {
        let mut rest = fragment;
        // U+2028 and U+2029 begin with the byte 0xE2.
        while rest.bytes().any(|byte| matches!(byte, b'<' | b'>' | b'&' | 0xE2)) {
            let Some(at) = rest.find(['<', '>', '&', '\u{2028}', '\u{2029}']) else { break };
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
    use crate::oci::{Capabilities, Resources, Spec};
    use serde_json::json;

    fn text(json: Value) -> String {
        String::from_utf8(to_vec(&from_value::<Spec>(json).unwrap()).unwrap()).unwrap()
    }

    #[test]
    fn fields_stand_in_gos_order_and_maps_are_sorted() {
        let spec = json!({
            "linux": {"netDevices": {"b": {"name": null}, "a": {}}, "resources": {"cpu": {"idle": 1, "shares": 2}}},
            "annotations": {"b": "2", "a": "1"},
            "process": {"cwd": "/", "capabilities": {"bounding": ["CAP_SETUID", "CAP_CHOWN"]}, "args": null},
            "ociVersion": "1.1.0",
        });
        assert_eq!(
            text(spec),
            r#"{"ociVersion":"1.1.0","process":{"user":{"uid":0,"gid":0},"cwd":"/","capabilities":{"bounding":["CAP_SETUID","CAP_CHOWN"]}},"annotations":{"a":"1","b":"2"},"linux":{"resources":{"cpu":{"shares":2,"idle":1}},"netDevices":{"a":{},"b":{}}}}"#
        );
    }

    #[test]
    fn unknown_fields_survive_at_every_depth_and_stand_last() {
        let spec = json!({
            "zzz": {"b": 1, "a": [{"x": null}]},
            "ociVersion": "1.3.0",
            "mounts": [{"new": 1, "destination": "/a"}],
            "linux": {"seccomp": {"syscalls": [{"names": [], "action": "a", "new": [1]}], "defaultAction": "d"}},
        });
        let mut found = Vec::new();
        let typed: Spec = from_value(spec.clone()).unwrap();
        typed.find_unknown(&mut Place::default(), &mut found);
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, ["mounts[0].new", "linux.seccomp.syscalls[0].new", "zzz"]);
        assert_eq!(
            text(spec),
            r#"{"ociVersion":"1.3.0","mounts":[{"destination":"/a","new":1}],"linux":{"seccomp":{"defaultAction":"d","syscalls":[{"names":[],"action":"a","new":[1]}]}},"zzz":{"b":1,"a":[{"x":null}]}}"#
        );
    }

    #[test]
    fn html_is_escaped_as_go_escapes_it() {
        let text = text(json!({"ociVersion": "<&>\u{2028}\u{2029}\"\\\n\u{1}üâ"}));
        assert_eq!(text, r#"{"ociVersion":"\u003c\u0026\u003e\u2028\u2029\"\\\n\u0001üâ"}"#);
    }

    #[test]
    fn every_wrong_type_is_reported_with_its_place() {
        let wrong = from_value::<Spec>(json!({
            "process": {"user": {"uid": -1, "additionalGids": [1, "x"]}, "terminal": "yes", "oomScoreAdj": 1.5},
            "mounts": {}, "annotations": {"a.b": 1}, "hostname": null,
        }));
        let wrong: Vec<String> = wrong.unwrap_err().iter().map(ToString::to_string).collect();
        assert_eq!(
            wrong,
            [
                "process.terminal: must be true or false",
                "process.user.uid: must be a whole number from 0 to 4294967295",
                "process.user.additionalGids[1]: must be a whole number from 0 to 4294967295",
                "process.oomScoreAdj: must be a whole number of 64 bits",
                "mounts: must be a list",
                r#"annotations["a.b"]: must be a string"#,
            ]
        );
        assert_eq!(from_value::<Capabilities>(json!([])).unwrap_err().len(), 1);
    }

    /// Go reads each of these as the field.
    #[test]
    fn a_name_in_another_case_is_refused_at_every_depth() {
        let wrong = from_value::<Spec>(json!({
            "process": {"User": {"uid": 0}, "user": {"UID": 0}, "argſ": [], "cwd": "/", "args2": []},
            "mounts": [{"Options": []}], "HOOKS": {}, "linux": {"maskedpaths": [], "sysctl": {"A": "", "a": ""}},
            "annotations": {"A": "", "a": ""}, "windows": {"Network": {}, "network": {}},
        }));
        let wrong: Vec<String> =
            wrong.unwrap_err().iter().map(|one| one.place.to_string()).collect();
        assert_eq!(
            wrong,
            [
                "process.user.UID",
                "process.User",
                "process[\"argſ\"]",
                "mounts[0].Options",
                "linux.maskedpaths",
                "HOOKS"
            ]
        );
        let wrong = from_value::<Spec>(json!({"Root": null})).unwrap_err();
        assert_eq!(
            wrong[0].to_string(),
            "Root: must be written \"root\", because runc ignores the case of names"
        );
    }

    /// Go would read `null` as gid 0, as an empty text, or as an object without fields.
    #[test]
    fn null_is_no_element_of_a_list() {
        for (spec, place) in [
            (
                json!({"process": {"user": {"additionalGids": [7, null]}}}),
                "process.user.additionalGids[1]",
            ),
            (json!({"process": {"args": [null]}}), "process.args[0]"),
            (
                json!({"process": {"capabilities": {"ambient": [null]}}}),
                "process.capabilities.ambient[0]",
            ),
            (json!({"mounts": [null]}), "mounts[0]"),
            (json!({"mounts": [{"options": ["ro", null]}]}), "mounts[0].options[1]"),
            (json!({"linux": {"maskedPaths": [null]}}), "linux.maskedPaths[0]"),
            (
                json!({"linux": {"seccomp": {"syscalls": [{"args": [null]}]}}}),
                "linux.seccomp.syscalls[0].args[0]",
            ),
        ] {
            let wrong = from_value::<Spec>(spec).unwrap_err();
            let wrong: Vec<String> = wrong.iter().map(ToString::to_string).collect();
            assert_eq!(wrong, [format!("{place}: must be a value and not null")]);
        }
        for spec in
            [json!({"mounts": null, "new": [null]}), json!({"windows": {"layerFolders": [null]}})]
        {
            assert!(from_value::<Spec>(spec).is_ok());
        }
    }

    #[test]
    fn limits_are_merged_one_by_one_and_lists_are_replaced() {
        let limits = |json| from_value::<Resources>(json).unwrap();
        let mut all = limits(json!({
            "memory": {"limit": 1, "swap": 2}, "devices": [{"allow": true}], "unified": {"a": "1", "b": "1"},
        }));
        all.merge(limits(json!({
            "memory": {"swap": 0}, "pids": {"limit": 3}, "unified": {"b": "2"}, "new": 1,
        })));
        let want = json!({
            "devices": [{"allow": true}], "memory": {"limit": 1, "swap": 0}, "pids": {"limit": 3},
            "unified": {"a": "1", "b": "2"}, "new": 1,
        });
        assert_eq!(serde_json::to_value(&all).unwrap(), want);
    }
}
