//! Versions of the runtime specification, and what came with each.

use serde_json::Value;

/// Those that were released, and the one that containerd 1.6 states.
pub(crate) const KNOWN: [&str; 8] =
    ["1.0.0", "1.0.1", "1.0.2-dev", "1.0.2", "1.1.0", "1.2.0", "1.2.1", "1.3.0"];

/// Fields that came after 1.0, by their place; `*` is every element.
const SINCE: [(&str, &str); 17] = [
    ("domainname", "1.1.0"),
    ("process.scheduler", "1.1.0"),
    ("process.ioPriority", "1.1.0"),
    ("mounts.*.uidMappings", "1.1.0"),
    ("mounts.*.gidMappings", "1.1.0"),
    ("linux.timeOffsets", "1.1.0"),
    ("linux.resources.cpu.burst", "1.1.0"),
    ("linux.resources.cpu.idle", "1.1.0"),
    ("linux.resources.memory.checkBeforeUpdate", "1.1.0"),
    ("linux.intelRdt.enableCMT", "1.1.0"),
    ("linux.intelRdt.enableMBM", "1.1.0"),
    ("process.execCPUAffinity", "1.2.1"),
    ("linux.memoryPolicy", "1.3.0"),
    ("linux.netDevices", "1.3.0"),
    ("linux.intelRdt.schemata", "1.3.0"),
    ("linux.intelRdt.enableMonitoring", "1.3.0"),
    ("freebsd", "1.3.0"),
];

/// A sentence for each field that is newer than the version that the spec states.
///
/// A runtime that goes by the version ignores such a field. It is no error: most runtimes go by what they
/// know, and a newer one reads them all.
pub(crate) fn newer_fields(spec: &Value) -> Vec<String> {
    let stated = spec.get("ociVersion").and_then(Value::as_str).unwrap_or_default();
    let newer = SINCE.iter().filter(|(_, since)| numbers(since) > numbers(stated));
    newer
        .filter(|(place, _)| is_at(spec, place))
        .map(|(place, since)| {
            format!(
                "{place} came with version {since} of the runtime specification, and the spec states {stated}: \
                 a runtime may ignore it"
            )
        })
        .collect()
}

fn numbers(version: &str) -> Vec<u32> {
    let release = version.split('-').next().unwrap_or_default();
    release.split('.').map(|number| number.parse().unwrap_or_default()).collect()
}

fn is_at(value: &Value, place: &str) -> bool {
    match place.split_once('.') {
        None => value.get(place).is_some(),
        Some(("*", rest)) => {
            value.as_array().into_iter().flatten().any(|element| is_at(element, rest))
        }
        Some((key, rest)) => value.get(key).is_some_and(|inner| is_at(inner, rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_that_are_newer_than_the_version_are_told() {
        let spec = |version: &str| {
            json!({
                "ociVersion": version,
                "mounts": [{}, {"uidMappings": []}],
                "process": {"execCPUAffinity": {}},
                "linux": {"memoryPolicy": {}},
            })
        };
        let told = |version| newer_fields(&spec(version)).len();
        for (version, count) in [("1.0.2-dev", 3), ("1.1.0", 2), ("1.2.1", 1), ("1.3.0", 0)] {
            assert_eq!(told(version), count, "{version}");
        }
        assert!(
            newer_fields(&spec("1.2.1"))[0]
                .starts_with("linux.memoryPolicy came with version 1.3.0")
        );
    }
}
