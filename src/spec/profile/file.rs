//! A profile's file, and what it makes of the profile that it extends.
//!
//! Reading the file is somebody else's; this takes its text.
//!
//! Invariant: what a file states is in the profile, fields that no type knows included.

use crate::domain::image_rules::ImageRules;
use crate::domain::sandbox::UserMounts;
use crate::oci;
use crate::spec::profile::layer::{Layer, stacked};
use crate::spec::profile::{Profile, Seccomp};
use crate::spec::seccomp::default_names;
use serde::Deserialize;
use serde_json::{Map, Value};

/// The longest name, as for everything that people give names.
const LONGEST_NAME: usize = 76;

/// The content of a file. What is absent comes from the base, except the description of the profile itself.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) description: String,
    #[serde(default)]
    pub(super) aliases: Vec<String>,
    #[serde(default)]
    equals: String,
    image: Option<ImageRules>,
    masks_thermal_throttle: Option<bool>,
    user_mounts: Option<UserMounts>,
    seccomp: Option<Seccomp>,
    pub(super) extends: Option<String>,
    spec: Option<Value>,
}

impl File {
    /// Reads a file's text.
    ///
    /// # Errors
    ///
    /// A sentence, with the line and the column where there is one.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let file: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if let Some(name) = file.names().find(|name| !is_name(name)) {
            return Err(format!(
                "{name:?} is no name of a profile: letters and digits with single dots, dashes or \
                 underscores between them, at most {LONGEST_NAME}"
            ));
        }
        if file.spec.as_ref().is_some_and(|spec| !spec.is_object()) {
            return Err("spec must be an object".to_owned());
        }
        Ok(file)
    }

    /// The names that the profile will have.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.name).chain(&self.aliases).map(String::as_str)
    }

    /// The profile: the base's, with the file's spec as a merge patch (RFC 7396) on its spec. The file's name
    /// and text are kept for who asks where a value comes from.
    ///
    /// # Errors
    ///
    /// A sentence, with the path of what is missing or wrong.
    pub(super) fn on(
        self,
        (file, text): (&str, &str),
        base: Option<&Profile>,
    ) -> Result<Profile, String> {
        let empty = || Value::Object(Map::new());
        let mut layers = base.map_or_else(Vec::new, |base| base.layers.clone());
        layers.push(Layer {
            name: self.name.clone(),
            file: file.to_owned(),
            text: text.to_owned(),
            spec: self.spec.unwrap_or_else(empty),
        });
        let spec = stacked(layers.iter().map(|layer| &layer.spec));
        let spec = read_spec(spec)?;
        let seccomp = self.seccomp.or_else(|| base.map(|base| base.seccomp.clone()));
        let seccomp = seccomp.unwrap_or_default();
        if !default_names().any(|name| name == seccomp.policy) {
            let known = default_names().collect::<Vec<_>>().join(", ");
            return Err(format!(
                "no default seccomp policy is named {:?}, known are {known}",
                seccomp.policy
            ));
        }
        let masks = self.masks_thermal_throttle.or(base.map(|base| base.masks_thermal_throttle));
        let user_mounts = self.user_mounts.or(base.map(|base| base.user_mounts));
        Ok(Profile {
            name: self.name,
            description: self.description,
            aliases: self.aliases,
            equals: self.equals,
            rules: self
                .image
                .or(base.map(|base| base.rules))
                .ok_or("image is missing: how an image is read, one of oci, containerd, faas-rs")?,
            masks_thermal_throttle: masks.unwrap_or_default(),
            user_mounts: user_mounts.unwrap_or_default(),
            seccomp,
            layers,
            spec,
        })
    }
}

/// Reads the spec of a profile, which must have the sections that every container has.
fn read_spec(json: Value) -> Result<oci::Spec, String> {
    for section in ["process", "root", "mounts", "linux"] {
        if json.get(section).is_none_or(Value::is_null) {
            return Err(format!("{section} is missing"));
        }
    }
    oci::json::from_value(json).map_err(|wrong| {
        let wrong = wrong.iter().map(ToString::to_string);
        wrong.collect::<Vec<_>>().join("; ")
    })
}

/// Whether a text can be asked for as a profile.
fn is_name(text: &str) -> bool {
    text.len() <= LONGEST_NAME
        && text
            .split(['.', '-', '_'])
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::request::DEFAULT_PROFILE;
    use crate::spec::Profiles;

    fn on_function(text: &str) -> Result<Profile, String> {
        let known = Profiles::built_in(DEFAULT_PROFILE).unwrap();
        File::parse(text)?.on(("x.json", text), known.get(Some("function")))
    }

    #[test]
    fn a_file_that_does_not_parse_says_where() {
        let wrong = |text: &str| File::parse(text).unwrap_err();
        assert!(wrong("{\n \"name\": 7}").contains("line 2"));
        assert!(wrong(r#"{"name":"x","description":"","image":"oci","spce":{}}"#).contains("spce"));
        assert!(wrong(r#"{"name":"x","description":"","spec":[]}"#).contains("must be an object"));
        for name in ["", "a b", "-a", "a..b", "ä", &"x".repeat(77)] {
            let text = format!(r#"{{"name":"{name}","description":""}}"#);
            assert!(wrong(&text).contains("no name of a profile"), "{name}");
        }
    }

    #[test]
    fn without_a_base_a_file_is_whole() {
        let wrong = |text: &str| File::parse(text).unwrap().on(("x.json", text), None).unwrap_err();
        assert!(
            wrong(r#"{"name":"x","description":"","image":"oci"}"#).contains("process is missing")
        );
        assert!(
            wrong(r#"{"name":"x","description":"","image":"oci","spec":{"process":{"user":{},"cwd":"/"}}}"#)
                .contains("root is missing")
        );
        let whole = r#"{"name":"x","description":"","spec":{"ociVersion":"1.1.0","process":
            {"user":{"uid":0,"gid":0},"cwd":"/"},"root":{"path":"rootfs"},"mounts":[],"linux":{}}}"#;
        assert!(wrong(whole).contains("image is missing"));
    }

    #[test]
    fn what_is_absent_is_the_bases() {
        let profile = on_function(r#"{"name":"x","description":"d"}"#).unwrap();
        let known = Profiles::built_in(DEFAULT_PROFILE).unwrap();
        let base = known.get(Some("function")).unwrap();
        assert_eq!(profile.spec, base.spec);
        assert_eq!((profile.rules, &profile.seccomp), (base.rules, &base.seccomp));
        let other = r#"{"name":"x","description":"","image":"containerd","masks_thermal_throttle":true,
            "seccomp":{"policy":"docker","applied":true},"spec":{"root":{"readonly":null}}}"#;
        let other = on_function(other).unwrap();
        assert_eq!(other.rules, ImageRules::Containerd);
        assert!(other.masks_thermal_throttle && other.seccomp.applied);
        let root = other.spec.root.unwrap();
        assert_eq!((root.path.as_str(), root.readonly), ("rootfs", false));
    }

    #[test]
    fn fields_that_nobody_knows_are_kept_and_told() {
        let profile = on_function(
            r#"{"name":"x","description":"","spec":{"linux":{"maskPaths":["/a"]},"invented":{"a":1}}}"#,
        )
        .unwrap();
        let linux = profile.spec.linux.as_ref().unwrap();
        assert_eq!(linux.other["maskPaths"], serde_json::json!(["/a"]));
        assert_eq!(profile.unknown_fields(), ["linux.maskPaths", "invented"]);
        let known = Profiles::built_in(DEFAULT_PROFILE).unwrap();
        for (profile, _) in known.iter() {
            assert!(profile.unknown_fields().is_empty(), "{}", profile.name);
        }
    }

    #[test]
    fn a_policy_that_is_none_is_refused() {
        let wrong = r#"{"name":"x","description":"","seccomp":{"policy":"podman"}}"#;
        let told = on_function(wrong).unwrap_err();
        assert!(
            told.contains(
                "no default seccomp policy is named \"podman\", known are containerd-1.6"
            )
        );
    }
}
