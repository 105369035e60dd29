//! Rules on a spec and the host that will run it. A fact that is not stated breaks none of them.

use super::mount_options::RECURSIVE_FLAGS;
use super::{Check, Findings, Rule, mounts, namespaces};
use crate::domain::host_facts::HostFacts;
use crate::oci::{Spec, place};

/// Every rule on a spec and its host, in the order in which they are checked.
#[rustfmt::skip]
pub static HOST_RULES: [Rule; 4] = [
    on_host("apparmor-loaded", "The AppArmor profile is one of those that are loaded on the host.",
        "runc: apparmor.ApplyProfile; apparmor(7)", apparmor),
    on_host("runtime-namespace", "The runtime supports the type of every namespace.",
        "runc: CreateLibcontainerConfig; crun: configure_init_status", namespace_types),
    on_host("runtime-mount-option", "The runtime supports every recursive mount option.",
        "ours: an older runtime mounts without the option, for example writable instead of read-only", mount_options),
    on_host("runtime-mapped-mount", "The runtime supports mounts that map IDs.",
        "containerd since 2.0: TaskManager.validateRuntimeFeatures", mapped_mounts),
];

/// A rule on a spec and its host: a spec that breaks it is refused.
const fn on_host(
    name: &'static str,
    sentence: &'static str,
    source: &'static str,
    check: fn(&Spec, &HostFacts, &mut Findings),
) -> Rule {
    Rule { name, sentence, source, refuses: true, check: Check::Host(check) }
}

/// The AppArmor profile is loaded. A profile in another namespace, and several of them, have no name in the list.
fn apparmor(spec: &Spec, host: &HostFacts, findings: &mut Findings) {
    let name = spec.process.as_ref().map_or("", |process| &process.apparmor_profile);
    let Some(loaded) = &host.apparmor_profiles else { return };
    let is_plain = !name.starts_with([':', '&']) && !name.contains("//&");
    if !matches!(name, "" | "unconfined") && is_plain && !loaded.iter().any(|one| one == name) {
        let text = format_args!(
            "{name:?} is not loaded on the host: load it with apparmor_parser, or use a profile that is"
        );
        findings.add(place!["process", "apparmorProfile"], text);
    }
}

/// The runtime knows the type of each namespace.
fn namespace_types(spec: &Spec, host: &HostFacts, findings: &mut Findings) {
    let Some(known) = host.runtime_features.as_ref().and_then(|runtime| runtime.namespaces())
    else {
        return;
    };
    for namespace in namespaces::all(spec) {
        let kind = &namespace.kind;
        if !known.contains(kind) {
            let text = format_args!("the host's runtime has no {kind} namespaces");
            findings.add(namespaces::place_of(kind), text);
        }
    }
}

/// The runtime knows each recursive mount option.
fn mount_options(spec: &Spec, host: &HostFacts, findings: &mut Findings) {
    let Some(known) = host.runtime_features.as_ref().and_then(|it| it.mount_options.as_ref())
    else {
        return;
    };
    for (index, mount) in spec.mounts.iter().enumerate() {
        for (at, option) in mount.options.iter().enumerate() {
            if RECURSIVE_FLAGS.contains(&option.as_str()) && !known.contains(option) {
                let text = format_args!("the host's runtime has no mount option {option:?}");
                findings.add(place!["mounts", index, "options", at], text);
            }
        }
    }
}

/// The runtime maps the IDs of mounts.
fn mapped_mounts(spec: &Spec, host: &HostFacts, findings: &mut Findings) {
    if host.runtime_features.as_ref().is_none_or(|runtime| runtime.maps_ids_of_mounts()) {
        return;
    }
    for (index, mount) in spec.mounts.iter().enumerate() {
        let text = "the host's runtime has no mounts that map IDs";
        for (name, list) in mounts::mapping_lists(mount) {
            if !list.is_empty() {
                findings.add(place!["mounts", index, name], text);
            }
        }
        for (at, option) in mount.options.iter().enumerate() {
            if matches!(option.as_str(), "idmap" | "ridmap") {
                findings.add(place!["mounts", index, "options", at], text);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::host_facts::RuntimeFeatures;
    use crate::oci::json;
    use crate::spec::rules::{Broken, find_broken};
    use serde_json::json;

    /// A spec with something of each rule.
    fn spec() -> Spec {
        let ids = json!([{"containerID": 0, "hostID": 1, "size": 1}]);
        let spec = json!({
            "ociVersion": "1.2.0",
            "process": {"user": {"uid": 0, "gid": 0}, "args": ["sh"], "cwd": "/", "apparmorProfile": "p"},
            "mounts": [
                {"destination": "/a", "source": "/a", "options": ["rbind", "rro"], "uidMappings": ids},
                {"destination": "/b", "source": "/b", "options": ["rbind", "ridmap"]},
            ],
            "linux": {"namespaces": [{"type": "mount"}, {"type": "time"}]},
        });
        json::from_value(spec).unwrap()
    }

    /// What breaks a rule on the host.
    fn shown_of(spec: &Spec, host: &HostFacts) -> Vec<String> {
        let is_of_host = |broken: &Broken| matches!(broken.rule.check, Check::Host(_));
        let broken = find_broken(spec, host).into_iter().filter(is_of_host);
        broken.map(|broken| broken.to_string()).collect()
    }

    fn shown(host: &HostFacts) -> Vec<String> {
        shown_of(&spec(), host)
    }

    fn with_features(features: serde_json::Value) -> HostFacts {
        let features: RuntimeFeatures = serde_json::from_value(features).unwrap();
        HostFacts { runtime_features: Some(features), ..HostFacts::default() }
    }

    #[test]
    fn what_is_not_stated_breaks_nothing() {
        assert_eq!(shown(&HostFacts::default()), Vec::<String>::new());
        let able = json!({
            "mountOptions": ["rro"],
            "linux": {"namespaces": ["mount", "time"], "mountExtensions": {"idmap": {"enabled": true}}},
        });
        assert_eq!(shown(&with_features(able)), Vec::<String>::new());
    }

    #[test]
    fn what_the_runtime_lacks_is_refused() {
        let old = json!({"mountOptions": ["ro"], "linux": {"namespaces": ["mount", "pid"]}});
        assert_eq!(
            shown(&with_features(old)),
            [
                "linux.namespaces.time: the host's runtime has no time namespaces",
                r#"mounts[0].options[1]: the host's runtime has no mount option "rro""#,
                "mounts[0].uidMappings: the host's runtime has no mounts that map IDs",
                "mounts[1].options[1]: the host's runtime has no mounts that map IDs",
            ]
        );
    }

    #[test]
    fn an_apparmor_profile_is_one_that_is_loaded() {
        let with = |name: &str, loaded: &[&str]| {
            let mut spec = spec();
            spec.process_mut().apparmor_profile = name.to_owned();
            let loaded = loaded.iter().map(|name| (*name).to_owned()).collect();
            let host = HostFacts { apparmor_profiles: Some(loaded), ..HostFacts::default() };
            shown_of(&spec, &host).pop()
        };
        let text = r#"process.apparmorProfile: "p" is not loaded on the host: "#;
        assert!(with("p", &["q"]).unwrap().starts_with(text));
        assert!(with("p", &[]).is_some());
        for (name, loaded) in [("p", &["q", "p"][..]), ("", &[]), ("unconfined", &[])] {
            assert_eq!(with(name, loaded), None, "{name}");
        }
        // A namespace of profiles, and a stack of them.
        for name in [":ns:p", "p//&q", "&p"] {
            assert_eq!(with(name, &[]), None, "{name}");
        }
    }
}
