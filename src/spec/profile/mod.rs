//! Profiles: defaults as data.
//!
//! A profile is a base spec, in which `{namespace}` and `{id}` stand for the request's, and the rules by
//! which an image is read. `file` reads one, `set` has all of them; applying it is `assemble`'s.
//!
//! Invariant: a profile that was loaded gives a draft for every namespace and id.

mod file;
mod layer;
mod set;

pub use set::{FileError, Profiles, ProfilesError};

use crate::domain::host_facts::HostFacts;
use crate::domain::ids::{ContainerId, Namespace};
use crate::domain::image_rules::ImageRules;
use crate::domain::origin::Origin;
use crate::spec::draft::Draft;
use crate::spec::error::SpecError;
use crate::spec::go_order;
use crate::spec::journal::Journal;
use crate::spec::profile::layer::{Layer, stacked};
use serde::Deserialize;
use serde_json::Value;

/// Which seccomp policy goes with a profile, and whether it is applied without being asked for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
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
    /// The release whose output it equals, or nothing.
    pub equals: String,
    /// How it reads an image.
    pub rules: ImageRules,
    /// Whether the directories in which each processor counts its throttling are masked.
    pub masks_thermal_throttle: bool,
    /// Its seccomp policy.
    pub seccomp: Seccomp,
    /// The files that the base spec is made of, the lowest first.
    pub layers: Vec<Layer>,
    /// The base spec, with its placeholders.
    pub spec: Value,
}

impl Profile {
    /// The base spec of one container on a host, taken apart.
    ///
    /// # Errors
    ///
    /// [`SpecError::Profile`] where the base is no spec; not for a profile of [`Profiles`].
    pub fn draft(
        &self,
        namespace: &Namespace,
        id: &ContainerId,
        host: &HostFacts,
    ) -> Result<Draft, SpecError> {
        self.begun(namespace, id, host, None)
    }

    /// The same, with a journal that says for each value in which line it stands.
    ///
    /// # Errors
    ///
    /// As [`Profile::draft`].
    pub fn draft_explained(
        &self,
        namespace: &Namespace,
        id: &ContainerId,
        host: &HostFacts,
    ) -> Result<Draft, SpecError> {
        self.begun(namespace, id, host, Some(self.journal(namespace, id)))
    }

    fn begun(
        &self,
        namespace: &Namespace,
        id: &ContainerId,
        host: &HostFacts,
        journal: Option<Journal>,
    ) -> Result<Draft, SpecError> {
        let mut spec = self.spec.clone();
        fill_in(&mut spec, namespace.as_str(), id.as_str());
        let mut draft = Draft::take(spec)
            .map_err(|reason| SpecError::Profile { name: self.name.clone(), reason })?;
        draft.keep_journal(journal);
        if self.masks_thermal_throttle && !host.thermal_throttle_cpus.is_empty() {
            let mut masked = draft.linux.masked_paths().clone().unwrap_or_default();
            let path = |cpu| format!("/sys/devices/system/cpu/cpu{cpu}/thermal_throttle");
            masked.extend(host.thermal_throttle_cpus.iter().map(path));
            draft.linux.set_masked_paths(Some(masked));
            draft.by(|| Origin::Host("thermal_throttle_cpus".to_owned()));
        }
        Ok(draft)
    }

    /// How the base spec comes out of the layers, line by line.
    fn journal(&self, namespace: &Namespace, id: &ContainerId) -> Journal {
        let mut journal = Journal::new();
        for (height, layer) in self.layers.iter().enumerate() {
            let mut spec = stacked(self.layers[..=height].iter().map(|layer| &layer.spec));
            fill_in(&mut spec, namespace.as_str(), id.as_str());
            let lines = layer.lines();
            journal.tell_patched(spec, layer.spec.clone(), |pointer| Origin::Profile {
                name: layer.name.clone(),
                file: layer.file.clone(),
                line: lines.get(pointer).copied().unwrap_or(1),
            });
        }
        journal
    }

    /// The fields of the base that the runtime specification does not have, by their paths. They are kept.
    #[must_use]
    pub fn unknown_fields(&self) -> Vec<String> {
        go_order::unknown(&self.spec)
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

/// Replaces the placeholders in every string.
fn fill_in(value: &mut Value, namespace: &str, id: &str) {
    match value {
        Value::String(text) if text.contains('{') => {
            *text = text.replace("{namespace}", namespace).replace("{id}", id);
        }
        Value::Array(list) => list.iter_mut().for_each(|inner| fill_in(inner, namespace, id)),
        Value::Object(object) => {
            object.values_mut().for_each(|inner| fill_in(inner, namespace, id));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::request::DEFAULT_PROFILE;
    use crate::spec::encode::encode;
    use crate::spec::seccomp::default_names;

    #[test]
    fn no_key_of_a_profile_is_lost() {
        let (namespace, id) = (Namespace::parse("ns").unwrap(), ContainerId::parse("c").unwrap());
        for (profile, _) in Profiles::built_in(DEFAULT_PROFILE).unwrap().iter() {
            let mut want = profile.spec.clone();
            fill_in(&mut want, "ns", "c");
            let encoded = encode(
                profile.draft(&namespace, &id, &HostFacts::default()).unwrap(),
                None,
                |_| Ok(Vec::new()),
            )
            .unwrap();
            let got: Value = serde_json::from_slice(&encoded.json).unwrap();
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
            let draft = profiles.get(Some(name)).unwrap().draft(&namespace, &id, &host).unwrap();
            draft.linux.masked_paths().clone().unwrap()
        };
        let paths = [0, 2].map(|cpu| format!("/sys/devices/system/cpu/cpu{cpu}/thermal_throttle"));
        for release in
            ["containerd-2.0", "containerd-2.2", "containerd-2.3", "containerd-2.4", "docker"]
        {
            assert!(masked(release).ends_with(&paths), "{release}");
        }
        for release in ["1.6", "1.7", "2.1"] {
            assert_eq!(masked(&format!("containerd-{release}")).len(), 11, "{release}");
        }
    }

    #[test]
    fn capabilities_are_in_three_lists_and_nowhere_else() {
        for (profile, _) in Profiles::built_in(DEFAULT_PROFILE).unwrap().iter() {
            let lists = profile.spec["process"]["capabilities"].as_object().unwrap();
            let mut names: Vec<&String> = lists.keys().collect();
            names.sort();
            assert_eq!(names, ["bounding", "effective", "permitted"], "{}", profile.name);
            let policies: Vec<&str> = default_names().collect();
            assert!(policies.contains(&profile.seccomp.policy.as_str()), "{}", profile.name);
            assert!(profile.spec.get("hostname").is_none(), "{}", profile.name);
        }
    }
}
