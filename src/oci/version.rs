//! The versions of the runtime spec, and the fields that came or went with each.

use crate::oci::{IntelRdt, Linux, Process, Resources, Spec};

/// The versions that were released, and the one that containerd 1.6 writes.
pub const KNOWN_VERSIONS: [&str; 8] =
    ["1.0.0", "1.0.1", "1.0.2-dev", "1.0.2", "1.1.0", "1.2.0", "1.2.1", "1.3.0"];

/// A field that not every version has.
struct Versioned {
    place: &'static str,
    since: &'static str,
    is_set: fn(&Spec) -> bool,
}

const fn since(since: &'static str, place: &'static str, is_set: fn(&Spec) -> bool) -> Versioned {
    Versioned { place, since, is_set }
}

/// The fields that came after 1.0.
#[rustfmt::skip]
const FIELDS: [Versioned; 17] = [
    since("1.1.0", "domainname", |spec| !spec.domainname.is_empty()),
    since("1.1.0", "process.scheduler", |spec| process(spec, |p| p.scheduler.is_some())),
    since("1.1.0", "process.ioPriority", |spec| process(spec, |p| p.io_priority.is_some())),
    since("1.1.0", "mounts.*.uidMappings", |spec| spec.mounts.iter().any(|mount| !mount.uid_mappings.is_empty())),
    since("1.1.0", "mounts.*.gidMappings", |spec| spec.mounts.iter().any(|mount| !mount.gid_mappings.is_empty())),
    since("1.1.0", "linux.timeOffsets", |spec| linux(spec, |l| !l.time_offsets.is_empty())),
    since("1.1.0", "linux.resources.cpu.burst", |spec| resources(spec, |r| r.cpu.as_ref().is_some_and(|cpu| cpu.burst.is_some()))),
    since("1.1.0", "linux.resources.cpu.idle", |spec| resources(spec, |r| r.cpu.as_ref().is_some_and(|cpu| cpu.idle.is_some()))),
    since("1.1.0", "linux.resources.memory.checkBeforeUpdate",
        |spec| resources(spec, |r| r.memory.as_ref().is_some_and(|memory| memory.check_before_update.is_some()))),
    since("1.1.0", ENABLE_CMT, |spec| rdt(spec, |rdt| rdt.enable_cmt)),
    since("1.1.0", ENABLE_MBM, |spec| rdt(spec, |rdt| rdt.enable_mbm)),
    since("1.2.1", "process.execCPUAffinity", |spec| process(spec, |p| p.exec_cpu_affinity.is_some())),
    since("1.3.0", "linux.memoryPolicy", |spec| linux(spec, |l| l.memory_policy.is_some())),
    since("1.3.0", "linux.netDevices", |spec| linux(spec, |l| !l.net_devices.is_empty())),
    since("1.3.0", "linux.intelRdt.schemata", |spec| rdt(spec, |rdt| !rdt.schemata.is_empty())),
    since("1.3.0", "linux.intelRdt.enableMonitoring", |spec| rdt(spec, |rdt| rdt.enable_monitoring)),
    since("1.3.0", "freebsd", |spec| !spec.freebsd.is_null()),
];

const ENABLE_CMT: &str = "linux.intelRdt.enableCMT";
const ENABLE_MBM: &str = "linux.intelRdt.enableMBM";

/// The fields that were removed, and the version that removed them.
const REMOVED: [(&str, &str); 2] = [(ENABLE_CMT, "1.3.0"), (ENABLE_MBM, "1.3.0")];

/// A sentence for each field that the version which the spec states does not have.
///
/// A runtime that goes by the version ignores such a field. It is not an error: most runtimes read every field
/// that they know, whatever the version.
#[must_use]
pub fn foreign_fields(spec: &Spec) -> Vec<String> {
    let stated = &spec.oci_version;
    let mut warnings = Vec::new();
    for field in FIELDS.iter().filter(|field| (field.is_set)(spec)) {
        let (place, since) = (field.place, field.since);
        let removed = REMOVED.iter().find(|(name, _)| *name == place);
        let (change, version) = match removed {
            _ if numbers(since) > numbers(stated) => ("was added in", since),
            Some((_, until)) if numbers(until) <= numbers(stated) => ("was removed in", *until),
            Some(_) | None => continue,
        };
        warnings.push(format!(
            "{place} {change} version {version} of the runtime spec, and the spec states {stated}: a runtime may \
             ignore it"
        ));
    }
    warnings
}

fn process(spec: &Spec, is_set: fn(&Process) -> bool) -> bool {
    spec.process.as_ref().is_some_and(is_set)
}

fn linux(spec: &Spec, is_set: impl Fn(&Linux) -> bool) -> bool {
    spec.linux.as_ref().is_some_and(is_set)
}

fn resources(spec: &Spec, is_set: fn(&Resources) -> bool) -> bool {
    linux(spec, |linux| linux.resources.as_deref().is_some_and(is_set))
}

fn rdt(spec: &Spec, is_set: fn(&IntelRdt) -> bool) -> bool {
    linux(spec, |linux| linux.intel_rdt.as_ref().is_some_and(is_set))
}

fn numbers(version: &str) -> [u32; 3] {
    let release = version.split('-').next().unwrap_or_default();
    let mut parts = release.split('.').map(|number| number.parse().unwrap_or_default());
    std::array::from_fn(|_| parts.next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn warnings(spec: &serde_json::Value) -> Vec<String> {
        foreign_fields(&serde_json::from_value(spec.clone()).unwrap())
    }

    #[test]
    fn fields_that_are_newer_than_the_version_are_warned_of() {
        let spec = |version: &str| {
            json!({
                "ociVersion": version,
                "mounts": [{}, {"uidMappings": [{"containerID": 0, "hostID": 0, "size": 1}]}],
                "process": {"execCPUAffinity": {}},
                "linux": {"memoryPolicy": {}},
            })
        };
        for (version, count) in [("1.0.2-dev", 3), ("1.1.0", 2), ("1.2.1", 1), ("1.3.0", 0)] {
            assert_eq!(warnings(&spec(version)).len(), count, "{version}");
        }
        let newer = warnings(&spec("1.2.1"));
        assert!(newer[0].starts_with("linux.memoryPolicy was added in version 1.3.0"), "{newer:?}");
    }

    #[test]
    fn fields_that_were_removed_are_warned_of() {
        let warnings = |version: &str| {
            warnings(&json!({"ociVersion": version, "linux": {"intelRdt": {"enableCMT": true}}}))
        };
        assert!(warnings("1.0.2")[0].contains("was added in version 1.1.0"));
        assert_eq!(warnings("1.2.1"), Vec::<String>::new());
        assert!(warnings("1.3.0")[0].contains("was removed in version 1.3.0"));
    }
}
