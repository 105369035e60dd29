//! Versions of the CDI specification. CDI: `specs-go/version.go`.

use super::model::{CdiSpec, Edits};

/// The versions that are read, from the oldest to the newest.
const VERSIONS: [&str; 8] =
    ["0.3.0", "0.4.0", "0.5.0", "0.6.0", "0.7.0", "0.8.0", "1.0.0", "1.1.0"];

/// Checks that a specification states a version, and one that has all that it uses.
///
/// # Errors
///
/// A sentence that says which version is needed.
pub(super) fn check(spec: &CdiSpec) -> Result<(), String> {
    let stated = spec.cdi_version.strip_prefix('v').unwrap_or(&spec.cdi_version);
    let place = |version: &str| VERSIONS.iter().position(|known| *known == version);
    let stated_at = place(stated).ok_or_else(|| {
        let known = VERSIONS.join(", ");
        format!("unknown cdiVersion {:?}, known are {known}", spec.cdi_version)
    })?;
    let edits = || spec.devices.iter().map(|d| &d.container_edits).chain([&spec.container_edits]);
    let any = |used: fn(&Edits) -> bool| edits().any(used);
    let class = spec.kind.split_once('/').map_or("", |(_, class)| class);
    let annotated =
        !spec.annotations.is_empty() || spec.devices.iter().any(|d| !d.annotations.is_empty());
    let digit = spec.devices.iter().any(|d| d.name.starts_with(|c: char| c.is_ascii_digit()));
    let used = [
        ("1.1.0", "netDevices", any(|e| !e.net_devices.is_empty())),
        ("1.1.0", "schemata or enableMonitoring of intelRdt", any(monitors)),
        ("0.7.0", "intelRdt", any(|e| e.intel_rdt.is_some())),
        ("0.7.0", "additionalGids", any(|e| !e.additional_gids.is_empty())),
        ("0.6.0", "annotations", annotated),
        ("0.6.0", "a class with a dot", class.contains('.')),
        ("0.5.0", "a device name that begins with a digit", digit),
        (
            "0.5.0",
            "hostPath of a device node",
            any(|e| e.device_nodes.iter().any(|n| !n.host_path.is_empty())),
        ),
        ("0.4.0", "type of a mount", any(|e| e.mounts.iter().any(|m| !m.kind.is_empty()))),
    ];
    match used.iter().find(|(version, _, used)| *used && place(version) > Some(stated_at)) {
        None => Ok(()),
        Some((version, what, _)) => {
            Err(format!("cdiVersion must be at least {version} for {what}, and is {stated}"))
        }
    }
}

fn monitors(edits: &Edits) -> bool {
    edits.intel_rdt.as_ref().is_some_and(|rdt| rdt.schemata.is_some() || rdt.enable_monitoring)
}

#[cfg(test)]
mod tests {
    use super::super::read::read;
    use super::*;

    fn checked(version: &str, kind: &str, rest: &str) -> Result<(), String> {
        let text = format!(r#"{{"cdiVersion": "{version}", "kind": "{kind}", {rest}}}"#);
        check(&read("a.json", text.as_bytes()).unwrap())
    }

    #[test]
    fn a_version_has_what_is_used() {
        let edits = |edits: &str| format!(r#""containerEdits": {edits}"#);
        let device =
            |edits: &str| format!(r#""devices": [{{"name": "a", "containerEdits": {edits}}}]"#);
        for (least, before, rest) in [
            ("0.3.0", "", edits("{}")),
            ("0.4.0", "0.3.0", device(r#"{"mounts": [{"type": "bind"}]}"#)),
            ("0.5.0", "0.4.0", edits(r#"{"deviceNodes": [{"hostPath": "/dev/x"}]}"#)),
            ("0.5.0", "0.4.0", r#""devices": [{"name": "0"}]"#.to_owned()),
            ("0.6.0", "0.5.0", r#""annotations": {"a": "b"}"#.to_owned()),
            ("0.7.0", "0.6.0", device(r#"{"additionalGids": [1]}"#)),
            ("0.7.0", "0.6.0", edits(r#"{"intelRdt": {}}"#)),
            ("1.1.0", "1.0.0", edits(r#"{"intelRdt": {"schemata": []}}"#)),
            ("1.1.0", "1.0.0", device(r#"{"netDevices": [{}]}"#)),
        ] {
            assert_eq!(checked(least, "v/c", &rest), Ok(()), "{rest}");
            assert_eq!(checked(&format!("v{least}"), "v/c", &rest), Ok(()), "{rest}");
            assert_eq!(checked("1.1.0", "v/c", &rest), Ok(()), "{rest}");
            if !before.is_empty() {
                let error = checked(before, "v/c", &rest).unwrap_err();
                assert!(error.contains(&format!("at least {least}")), "{rest}: {error}");
            }
        }
        assert!(checked("0.5.0", "v.com/c.d", "\"devices\": []").is_err());
        for version in ["", "0.2.0", "1.2.0", "1.0", "vv1.0.0", "new"] {
            assert!(checked(version, "v/c", "\"devices\": []").is_err(), "{version}");
        }
    }
}
