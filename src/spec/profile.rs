//! Profiles: defaults as data.
//!
//! A profile is a base spec, in which `{namespace}` and `{id}` stand for the request's, and the rules by
//! which an image is read. Applying it is `assemble`'s.
//!
//! Invariant: a profile that was loaded gives a draft for every namespace and id.

use crate::domain::host_facts::HostFacts;
use crate::domain::ids::{ContainerId, Namespace};
use crate::domain::image_rules::ImageRules;
use crate::spec::draft::Draft;
use crate::spec::error::SpecError;
use crate::spec::merge_patch;
use serde::Deserialize;
use serde_json::Value;

/// The profiles that come with the server, in the order in which they are documented.
const BUILT_IN: [(&str, &str); 10] = [
    ("function", include_str!("profiles/function.json")),
    ("faas-rs", include_str!("profiles/faas-rs.json")),
    ("containerd-2.4", include_str!("profiles/containerd-2.4.json")),
    ("containerd-2.3", include_str!("profiles/containerd-2.3.json")),
    ("containerd-2.2", include_str!("profiles/containerd-2.2.json")),
    ("containerd-2.1", include_str!("profiles/containerd-2.1.json")),
    ("containerd-2.0", include_str!("profiles/containerd-2.0.json")),
    ("containerd-1.7", include_str!("profiles/containerd-1.7.json")),
    ("containerd-1.6", include_str!("profiles/containerd-1.6.json")),
    ("docker", include_str!("profiles/docker.json")),
];

/// A profile's file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    description: String,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    equals: String,
    image: ImageRules,
    #[serde(default)]
    masks_thermal_throttle: bool,
    #[serde(default)]
    seccomp: Seccomp,
    extends: Option<String>,
    spec: Option<Value>,
}

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
        let mut spec = self.spec.clone();
        fill_in(&mut spec, namespace.as_str(), id.as_str());
        let mut draft = Draft::take(spec)
            .map_err(|reason| SpecError::Profile { name: self.name.clone(), reason })?;
        if self.masks_thermal_throttle && !host.thermal_throttle_cpus.is_empty() {
            let mut masked = draft.linux.masked_paths().clone().unwrap_or_default();
            let path = |cpu| format!("/sys/devices/system/cpu/cpu{cpu}/thermal_throttle");
            masked.extend(host.thermal_throttle_cpus.iter().map(path));
            draft.linux.set_masked_paths(Some(masked));
        }
        Ok(draft)
    }

    /// Whether this is the profile of that name.
    #[must_use]
    pub fn is_named(&self, name: &str) -> bool {
        self.name == name || self.aliases.iter().any(|alias| alias == name)
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

/// The profiles that a server offers, and which of them is the default.
#[derive(Debug, Clone)]
pub struct Profiles {
    list: Vec<Profile>,
    default: usize,
}

impl Profiles {
    /// The built-in profiles, with a default.
    ///
    /// # Errors
    ///
    /// [`SpecError::Profile`] where no profile has the default's name.
    pub fn built_in(default: &str) -> Result<Self, SpecError> {
        let mut list: Vec<Profile> = Vec::new();
        for (name, text) in BUILT_IN {
            let wrong = |reason| SpecError::Profile { name: name.to_owned(), reason };
            let profile = load(text, &list).map_err(wrong)?;
            list.push(profile);
        }
        let default =
            list.iter().position(|profile| profile.is_named(default)).ok_or_else(|| {
                let reason = format!("there is none of that name, known are {}", names(&list));
                SpecError::Profile { name: default.to_owned(), reason }
            })?;
        Ok(Self { list, default })
    }

    /// The profile of a name, or the default one for no name.
    #[must_use]
    pub fn get(&self, name: Option<&str>) -> Option<&Profile> {
        match name {
            None => self.list.get(self.default),
            Some(name) => self.list.iter().find(|profile| profile.is_named(name)),
        }
    }

    /// Every profile, and whether it is the default.
    pub fn iter(&self) -> impl Iterator<Item = (&Profile, bool)> {
        self.list.iter().enumerate().map(|(index, profile)| (profile, index == self.default))
    }

    /// The names that [`Profiles::get`] knows, for people.
    #[must_use]
    pub fn names(&self) -> String {
        names(&self.list)
    }
}

fn names(list: &[Profile]) -> String {
    let all: Vec<&str> = list
        .iter()
        .flat_map(|profile| std::iter::once(&profile.name).chain(&profile.aliases))
        .map(String::as_str)
        .collect();
    all.join(", ")
}

/// Reads a profile's file; where it extends another, its spec is a merge patch on the other's.
fn load(text: &str, known: &[Profile]) -> Result<Profile, String> {
    let file: File = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut spec = match &file.extends {
        None => Value::Object(serde_json::Map::new()),
        Some(base) => {
            let base = known.iter().find(|profile| profile.is_named(base));
            base.ok_or("it extends a profile that is not known")?.spec.clone()
        }
    };
    merge_patch::apply(
        &mut spec,
        file.spec.unwrap_or_else(|| Value::Object(serde_json::Map::new())),
    );
    Draft::take(spec.clone())?;
    Ok(Profile {
        name: file.name,
        description: file.description,
        aliases: file.aliases,
        equals: file.equals,
        rules: file.image,
        masks_thermal_throttle: file.masks_thermal_throttle,
        seccomp: file.seccomp,
        spec,
    })
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
            let encoded =
                encode(profile.draft(&namespace, &id, &HostFacts::default()).unwrap(), None)
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
        for release in ["2.0", "2.2", "2.3", "2.4"] {
            assert!(masked(&format!("containerd-{release}")).ends_with(&paths), "{release}");
        }
        for release in ["1.6", "1.7", "2.1"] {
            assert_eq!(masked(&format!("containerd-{release}")).len(), 11, "{release}");
        }
    }

    #[test]
    fn names_aliases_and_the_default() {
        let profiles = Profiles::built_in(DEFAULT_PROFILE).unwrap();
        assert_eq!(profiles.get(None).unwrap().name, "function");
        assert_eq!(profiles.get(Some("containerd")).unwrap().name, "containerd-2.4");
        assert!(profiles.get(Some("nonsense")).is_none());
        assert!(profiles.names().starts_with("function, faas-rs, containerd-2.4, containerd, "));
        assert!(
            Profiles::built_in("nonsense").unwrap_err().to_string().contains("known are function")
        );
    }

    #[test]
    fn a_profile_that_does_not_parse_says_where() {
        let wrong = |text: &str| load(text, &[]).unwrap_err();
        assert!(wrong("{\n \"name\": 7}").contains("line 2"));
        assert!(wrong(r#"{"name":"x","description":"","image":"oci","spce":{}}"#).contains("spce"));
        assert!(
            wrong(r#"{"name":"x","description":"","image":"oci"}"#).contains("process is missing")
        );
        assert!(
            wrong(r#"{"name":"x","description":"","image":"oci","extends":"y"}"#)
                .contains("not known")
        );
        assert!(
            wrong(r#"{"name":"x","description":"","image":"oci","spec":{"process":{"user":{},"cwd":"/"}}}"#)
                .contains("root is missing")
        );
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
