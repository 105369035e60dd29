//! Profiles: defaults as data.
//!
//! A profile is a base spec, in which `{namespace}`, `{id}` and `{short_id}` stand for the request's, and the rules by
//! which an image is read. `file` reads one, `set` has all of them; `assemble` applies one.
//!
//! Invariant: a profile that was loaded gives a assembly for every namespace and id.

mod file;
mod layer;
mod release;
mod set;

pub use release::NODE;
pub use set::{FileError, Profiles, ProfilesError};

use crate::domain::host_facts::HostFacts;
use crate::domain::ids::{ContainerId, Namespace};
use crate::domain::image_rules::ImageRules;
use crate::domain::origin::Origin;
use crate::domain::sandbox::{Additions, UserMounts};
use crate::oci::{self, Member, Place};
use crate::spec::assembly::Assembly;
use crate::spec::profile::layer::{Layer, stacked};
use crate::spec::provenance::Provenance;
use crate::users::user::ProcessUser;
use serde::Deserialize;

/// Which seccomp policy goes with a profile, and whether it is applied without being asked for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with policy and applied")]
pub struct Seccomp {
    /// The default policy's name.
    pub policy: String,
    /// Whether it is applied.
    #[serde(default)]
    pub applied: bool,
}

impl Default for Seccomp {
    fn default() -> Self {
        Self { policy: "containerd-2.4".to_owned(), applied: false }
    }
}

/// A named set of defaults.
#[derive(Debug, Clone)]
pub struct Profile {
    /// The name.
    pub name: String,
    /// What it is, in a sentence.
    pub description: String,
    /// Other names for it.
    pub aliases: Vec<String>,
    /// The release with the same output; empty if there is no such release.
    pub equals: String,
    /// The last day on which that release is supported, for example `2027-05-16`; empty if there is no such release.
    pub supported_until: String,
    /// How it reads an image.
    pub rules: ImageRules,
    /// Whether the directories in which each processor counts its throttling are masked.
    pub masks_thermal_throttle: bool,
    /// What it makes of mounts that a user namespace cannot make.
    pub user_mounts: UserMounts,
    /// What it adds by itself.
    pub additions: Additions,
    /// Its seccomp policy.
    pub seccomp: Seccomp,
    /// Whether unknown fields and unknown placeholders in its file are errors.
    pub strict: bool,
    /// The files that the base spec is made of, the lowest first.
    pub layers: Vec<Layer>,
    /// The base spec, with its placeholders.
    pub spec: oci::Spec,
    /// The rules that the base spec breaks with a warning, and where. No request is warned of them.
    pub warned: Vec<(&'static str, Place)>,
}

impl Profile {
    /// Whether an image for features of the operating system must have been asked for with them, as in
    /// containerd 2.3 and later.
    #[must_use]
    pub fn looks_at_os_features(&self) -> bool {
        const BEFORE: [&str; 5] = ["1.6.", "1.7.", "2.0.", "2.1.", "2.2."];
        let release = self.equals.strip_prefix("containerd ").unwrap_or_default();
        !BEFORE.iter().any(|before| release.starts_with(before))
    }

    /// The user of the base spec, for an image and a request that name nobody; nothing for root, because root's groups
    /// are looked up.
    #[must_use]
    pub fn user(&self) -> Option<ProcessUser> {
        let oci::User { uid, gid, additional_gids, .. } = &self.spec.process.as_ref()?.user;
        let user = ProcessUser { uid: *uid, gid: *gid, additional_gids: additional_gids.clone() };
        (user != ProcessUser::bare_root()).then_some(user)
    }

    /// The base spec of one container on a host.
    #[must_use]
    pub fn assembly(&self, namespace: &Namespace, id: &ContainerId, host: &HostFacts) -> Assembly {
        self.start(namespace, id, host, None)
    }

    /// The same, with the line of the profile's file that each value comes from.
    #[must_use]
    pub fn recorded_assembly(
        &self,
        namespace: &Namespace,
        id: &ContainerId,
        host: &HostFacts,
    ) -> Assembly {
        self.start(namespace, id, host, Some(self.provenance(namespace, id)))
    }

    fn start(
        &self,
        namespace: &Namespace,
        id: &ContainerId,
        host: &HostFacts,
        provenance: Option<Provenance>,
    ) -> Assembly {
        let mut spec = self.spec.clone();
        spec.fill_placeholders(&|text| fill_in(text, namespace, id));
        let mut assembly = Assembly::new(spec, provenance);
        if self.masks_thermal_throttle && !host.thermal_throttle_cpus.is_empty() {
            let path = |cpu| format!("/sys/devices/system/cpu/cpu{cpu}/thermal_throttle");
            let paths = host.thermal_throttle_cpus.iter().map(path);
            assembly.linux().masked_paths.extend(paths);
            assembly.attribute_changes(|| Origin::Host("thermal_throttle_cpus".to_owned()));
        }
        assembly
    }

    /// How the base spec results from the layers, line by line.
    fn provenance(&self, namespace: &Namespace, id: &ContainerId) -> Provenance {
        let mut provenance = Provenance::new();
        for (height, layer) in self.layers.iter().enumerate() {
            let mut spec = stacked(self.layers[..=height].iter().map(|layer| &layer.spec));
            // In the form of the typed spec, where that is possible: a layer may need those above it.
            let typed = oci::json::from_value::<oci::Spec>(spec.clone()).ok();
            spec = typed.and_then(|typed| serde_json::to_value(typed).ok()).unwrap_or(spec);
            spec.fill_placeholders(&|text| fill_in(text, namespace, id));
            let positions = layer.positions();
            provenance.attribute_patch(spec, layer.spec.clone(), |pointer| Origin::Profile {
                name: layer.name.clone(),
                file: layer.file.clone(),
                line: positions.get(pointer).map_or(1, |position| position.line),
            });
        }
        provenance
    }

    /// The fields of the base that the runtime spec does not have, by their paths. They are kept.
    #[must_use]
    pub fn unknown_fields(&self) -> Vec<String> {
        let mut found = Vec::new();
        self.spec.find_unknown(&mut Place::default(), &mut found);
        found.iter().map(ToString::to_string).collect()
    }

    /// The name, and the others.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.name).chain(&self.aliases).map(String::as_str)
    }

    /// Whether this is the profile of that name.
    #[must_use]
    pub fn is_named(&self, name: &str) -> bool {
        self.names().any(|one| one == name)
    }
}

/// Replaces the placeholders in a string.
fn fill_in(text: &str, namespace: &Namespace, id: &ContainerId) -> String {
    text.replace("{namespace}", namespace.as_str())
        .replace("{id}", id.as_str())
        .replace("{short_id}", id.short())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::request::DEFAULT_PROFILE;
    use crate::spec::seccomp::default_names;

    #[test]
    fn no_key_of_a_profile_is_lost() {
        let (namespace, id) = (Namespace::parse("ns").unwrap(), ContainerId::parse("c").unwrap());
        for (profile, _) in Profiles::built_in(DEFAULT_PROFILE).unwrap().iter() {
            let mut want = stacked(profile.layers.iter().map(|layer| &layer.spec));
            want.fill_placeholders(&|text| fill_in(text, &namespace, &id));
            let assembly = profile.assembly(&namespace, &id, &HostFacts::default());
            let got = serde_json::to_value(&assembly.spec).unwrap();
            assert_eq!(got, want, "{}", profile.name);
        }
    }

    #[test]
    fn releases_that_mask_throttling_do_so_for_each_processor() {
        let (namespace, id) = (Namespace::parse("ns").unwrap(), ContainerId::parse("c").unwrap());
        let host =
            HostFacts { thermal_throttle_cpus: vec![0, 2], kernel: (6, 1), ..HostFacts::default() };
        let profiles = Profiles::built_in(DEFAULT_PROFILE).unwrap();
        let masked = |name: &str| {
            let profile = profiles.get(Some(name)).unwrap();
            profile.assembly(&namespace, &id, &host).linux().masked_paths.clone()
        };
        let paths = [0, 2].map(|cpu| format!("/sys/devices/system/cpu/cpu{cpu}/thermal_throttle"));
        for release in [
            "containerd-1.7",
            "containerd-2.0",
            "containerd-2.2",
            "containerd-2.3",
            "containerd-2.4",
            "docker-28",
            "docker-29",
            "hardened",
        ] {
            assert!(masked(release).ends_with(&paths), "{release}");
        }
        for release in ["1.6", "2.1"] {
            assert_eq!(masked(&format!("containerd-{release}")).len(), 11, "{release}");
        }
    }

    #[test]
    fn capabilities_are_in_three_lists_and_nowhere_else() {
        for (profile, _) in Profiles::built_in(DEFAULT_PROFILE).unwrap().iter() {
            let process = profile.spec.process.as_ref().unwrap();
            let sets = process.capabilities.as_ref().unwrap().sets();
            let names = sets.into_iter().filter(|(_, set)| !set.is_empty()).map(|(name, _)| name);
            let names: Vec<&str> = names.collect();
            assert_eq!(names, ["bounding", "effective", "permitted"], "{}", profile.name);
            let policies: Vec<&str> = default_names().collect();
            assert!(policies.contains(&profile.seccomp.policy.as_str()), "{}", profile.name);
            let hostname = if profile.additions.docker_environment { "{short_id}" } else { "" };
            assert_eq!(profile.spec.hostname, hostname, "{}", profile.name);
        }
    }
}
