//! The differences that are meant about devices: rows of the list in [`crate::deliberate`].

use crate::case::Case;
use crate::deliberate::{Known, Seen, plain};
use crate::options::{Chosen, TABLE};
use crate::program::Answer;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Releases with CDI 1.0.
const CDI_1_0: &[&str] = &["2.0.14", "2.1.9"];

/// Releases with a CDI older than 1.1.1.
const BEFORE_CDI_1_1_1: &[&str] = &["2.0.14", "2.1.9", "2.2.9", "2.3.7"];

pub(crate) const TWICE: Known = Known {
    name: "two devices with the same path",
    reason: "the runtime creates one node at a path, so the last device applies",
    only: &[],
    holds: |seen| {
        let Some((go, ours)) = specs(seen) else { return false };
        let paths = |spec: &Value| -> Vec<String> {
            let devices = spec["linux"]["devices"].as_array().into_iter().flatten();
            devices.map(|device| device["path"].as_str().unwrap().replace("//", "/")).collect()
        };
        let (theirs, own) = (paths(&go), paths(&ours));
        let unique: BTreeSet<&String> = theirs.iter().collect();
        let same = unique == own.iter().collect() && unique.len() == own.len();
        let old = has_cdi(seen) && BEFORE_CDI_1_1_1.contains(&seen.version);
        let rest = |spec| if old { aged(without_devices(spec)) } else { without_devices(spec) };
        same && own.len() < theirs.len() && rest(go) == rest(ours)
    },
    witness: || Case {
        options: vec![
            Chosen::new("WithDefaultUnixDevices", Value::Null),
            Chosen::new("WithDevices", json!({"Path": "/dev/full", "Access": "r"})),
            Chosen::new("WithHostDevices", Value::Null),
        ],
        ..plain()
    },
};

pub(crate) const CDI_TWICE: Known = Known {
    name: "CDI device that is named twice",
    reason: "its hooks would run twice",
    only: WITH_CDI,
    holds: |seen| {
        seen.ours.as_ref().is_err_and(|status| status.message().contains("is listed twice"))
            && matches!(seen.go, Answer::Spec(_))
    },
    witness: || cdi(&["vendor.com/gpu=quiet", "vendor.com/gpu=quiet"]),
};

/// The releases that have CDI.
const WITH_CDI: &[&str] = &["2.0.14", "2.1.9", "2.2.9", "2.3.7", "2.4.2"];

pub(crate) const CDI_NEWER: Known = Known {
    name: "newer CDI specification",
    reason: "specifications are read like in containerd 2.4, with every profile",
    only: CDI_1_0,
    holds: |seen| {
        let newer = ["vendor.com/net=eth"];
        let unknown = |text: &String| {
            let names = text.split_once("unresolvable CDI devices ");
            names.is_some_and(|(_, names)| names.split(", ").all(|name| newer.contains(&name)))
        };
        seen.ours.is_ok() && matches!(&seen.go, Answer::Error(text) if unknown(text))
    },
    witness: || cdi(&["vendor.com/net=eth"]),
};

pub(crate) const CDI_NOTHING: Known = Known {
    name: "CDI device without permissions",
    reason: "permissions \"none\" give a rule without access, which the runtime refuses",
    only: &["2.4.2"],
    holds: |seen| {
        (0..4).any(|at| {
            let text = format!("options.cdi_devices[{at}]: must be letters of \"rwm\"");
            seen.refuses(&text, |spec| {
                let rules = spec["linux"]["resources"]["devices"].as_array();
                rules.is_some_and(|rules| rules.iter().any(|rule| rule.get("access").is_none()))
            })
        })
    },
    witness: || cdi(&["vendor.com/quiet=x"]),
};

pub(crate) const CDI_ENV: Known = Known {
    name: "environment of a CDI device",
    reason: "a variable replaces the one with the same name, like since CDI 1.1.1; most programs would not see a second one",
    only: BEFORE_CDI_1_1_1,
    holds: |seen| only_aged(seen, |spec| &spec["process"]["env"]),
    witness: || cdi(&["vendor.com/gpu=path"]),
};

pub(crate) const CDI_MODES: Known = Known {
    name: "permissions of a CDI device node",
    reason: "if the specification does not state them they are the host's, like since CDI 1.1",
    only: CDI_1_0,
    holds: |seen| only_aged(seen, |spec| &spec["linux"]["devices"]),
    witness: || cdi(&["vendor.com/gpu=null0"]),
};

pub(crate) const CDI_ID_MAPS: Known = Known {
    name: "CDI mounts with id mappings",
    reason: "bind mounts get the option for id mapping, like since CDI 1.1.1",
    only: BEFORE_CDI_1_1_1,
    holds: |seen| only_aged(seen, |spec| &spec["mounts"]),
    witness: || {
        let map = json!([{"containerID": 0, "hostID": 1000, "size": 10}]);
        let maps = Chosen::new("WithUserNamespace", json!({"UID": map, "GID": map}));
        let mut case = cdi(&["vendor.com/gpu=mounts"]);
        case.options.insert(0, maps);
        case
    },
};

fn cdi(names: &[&str]) -> Case {
    Case { options: vec![Chosen::new("WithCDIDevices", json!(names))], ..plain() }
}

fn has_cdi(seen: &Seen<'_>) -> bool {
    seen.case.options.iter().any(|chosen| TABLE[chosen.row].name == "WithCDIDevices")
}

/// Whether a part differs, and nothing but what newer versions of CDI brought.
fn only_aged(seen: &Seen<'_>, part: fn(&Value) -> &Value) -> bool {
    has_cdi(seen)
        && specs(seen).is_some_and(|(go, ours)| part(&go) != part(&ours) && aged(go) == aged(ours))
}

/// Both specs, where both sides give one.
fn specs(seen: &Seen<'_>) -> Option<(Value, Value)> {
    let (Answer::Spec(go), Ok(ours)) = (&seen.go, &seen.ours) else { return None };
    Some((serde_json::from_str(go).unwrap(), serde_json::from_str(ours).unwrap()))
}

fn without_devices(mut spec: Value) -> Value {
    spec["linux"].as_object_mut().unwrap().shift_remove("devices");
    spec
}

/// A spec without what newer versions of CDI brought.
fn aged(mut spec: Value) -> Value {
    let mut env: Vec<Value> = Vec::new();
    let key = |entry: &Value| entry.as_str().unwrap().split('=').next().map(str::to_owned);
    for entry in spec["process"]["env"].as_array().into_iter().flatten() {
        match env.iter_mut().find(|other| key(other) == key(entry)) {
            Some(other) => other.clone_from(entry),
            None => env.push(entry.clone()),
        }
    }
    spec["process"]["env"] = env.into();
    for device in spec["linux"]["devices"].as_array_mut().into_iter().flatten() {
        device.as_object_mut().unwrap().shift_remove("fileMode");
    }
    for mount in spec["mounts"].as_array_mut().into_iter().flatten() {
        if let Some(options) = mount.get_mut("options").and_then(Value::as_array_mut) {
            options.retain(|option| option != "idmap" && option != "ridmap");
            if options.is_empty() {
                mount.as_object_mut().unwrap().shift_remove("options");
            }
        }
    }
    spec
}
