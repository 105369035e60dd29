//! A profile's file, and what it makes of the profile that it extends.
//!
//! Reading the file is somebody else's; this takes its text.
//!
//! Invariant: what a file states is in the profile, fields that no type knows included.

use crate::domain::host_facts::HostFacts;
use crate::domain::image_rules::ImageRules;
use crate::domain::sandbox::{Additions, UserMounts};
use crate::oci::{self, Member, Place};
use crate::spec::profile::layer::{Layer, Position, stacked};
use crate::spec::profile::release::NODE;
use crate::spec::profile::{Profile, Seccomp};
use crate::spec::rules;
use crate::spec::seccomp::default_names;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::HashMap;

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
    #[serde(default)]
    supported_until: String,
    image: Option<ImageRules>,
    masks_thermal_throttle: Option<bool>,
    user_mounts: Option<UserMounts>,
    cgroup_namespace_on_v2: Option<bool>,
    docker_environment: Option<bool>,
    seccomp: Option<Seccomp>,
    strict: Option<bool>,
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
        if !text.trim_start().starts_with('{') {
            return Err("must be an object".to_owned());
        }
        let file: Self = serde_json::from_str(text)
            .map_err(|error| error.to_string().replace("unknown variant", "unknown value"))?;
        if let Some(name) = file.names().find(|name| !is_name(name)) {
            return Err(format!(
                "{name:?} is no name of a profile: letters and digits with single dots, dashes or \
                 underscores between them, at most {LONGEST_NAME} characters"
            ));
        }
        if let Some(name) = file.names().find(|name| *name == NODE) {
            return Err(format!(
                "{name:?} must not be the name of a profile: it stands for that of the node's release"
            ));
        }
        if !file.supported_until.is_empty() && !is_date(&file.supported_until) {
            return Err("supported_until must be a date, for example 2027-05-16".to_owned());
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
    /// A sentence, with the path, line and column of what is wrong.
    pub(super) fn on(
        self,
        (file, text): (&str, &str),
        base: Option<&Profile>,
    ) -> Result<Profile, String> {
        let empty = || Value::Object(Map::new());
        let mut layers = base.map_or_else(Vec::new, |base| base.layers.clone());
        let layer = Layer {
            name: self.name.clone(),
            file: file.to_owned(),
            text: text.to_owned(),
            spec: self.spec.unwrap_or_else(empty),
        };
        let positions = layer.positions();
        layers.push(layer.clone());
        let spec = stacked(layers.iter().map(|layer| &layer.spec));
        let spec = read_spec(spec, &positions)?;
        let strict = self.strict.or(base.map(|base| base.strict)).unwrap_or(true);
        if strict {
            let wrong = unknown(&layer.spec, &spec, &positions);
            if !wrong.is_empty() {
                return Err(format!("{}; \"strict\": false passes them on", wrong.join("; ")));
            }
        }
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
        let added = base.map(|base| base.additions).unwrap_or_default();
        let additions = Additions {
            cgroup_namespace_on_v2: self
                .cgroup_namespace_on_v2
                .unwrap_or(added.cgroup_namespace_on_v2),
            docker_environment: self.docker_environment.unwrap_or(added.docker_environment),
        };
        let broken = rules::find_broken(&spec, &HostFacts::default());
        let broken = broken.into_iter().filter(|one| !one.rule.refuses);
        let warned = broken.map(|one| (one.rule.name, one.place)).collect();
        Ok(Profile {
            name: self.name,
            description: self.description,
            aliases: self.aliases,
            equals: self.equals,
            supported_until: self.supported_until,
            rules: self
                .image
                .or(base.map(|base| base.rules))
                .ok_or("image is missing: how an image is read, one of oci, containerd, faas-rs")?,
            masks_thermal_throttle: masks.unwrap_or_default(),
            user_mounts: user_mounts.unwrap_or_default(),
            additions,
            seccomp,
            strict,
            layers,
            spec,
            warned,
        })
    }
}

type Positions = HashMap<String, Position>;

/// Reads the spec of a profile, which must have the sections that every container has.
fn read_spec(json: Value, positions: &Positions) -> Result<oci::Spec, String> {
    for section in ["process", "root", "mounts", "linux"] {
        if json.get(section).is_none_or(Value::is_null) {
            return Err(format!("spec: {section} is missing"));
        }
    }
    oci::json::from_value(json).map_err(|wrong| {
        let wrong = wrong.iter().map(|wrong| format!("{wrong}{}", at(&wrong.place, positions)));
        wrong.collect::<Vec<_>>().join("; ")
    })
}

/// Where a place of the spec is in the file; where the file does not have it, the object that lacks it.
fn at(place: &Place, positions: &Positions) -> String {
    let mut steps = place.0.as_slice();
    loop {
        let pointer = Place(steps.to_vec()).pointer();
        match (positions.get(&pointer), steps.split_last()) {
            (Some(Position { line, column }), _) => {
                return format!(" at line {line} column {column}");
            }
            (None, Some((_, outer))) => steps = outer,
            (None, None) => return String::new(),
        }
    }
}

/// The fields of a file that the runtime specification does not have, and the placeholders that are not replaced.
fn unknown(file: &Value, spec: &oci::Spec, positions: &Positions) -> Vec<String> {
    let (mut fields, mut wrong) = (Vec::new(), Vec::new());
    spec.find_unknown(&mut Place::default(), &mut fields);
    for field in fields.iter().filter(|field| positions.contains_key(&field.pointer())) {
        let at = at(field, positions);
        wrong.push(format!("{field}: the runtime specification has no such field{at}"));
    }
    unknown_placeholders(file, &mut Place::default(), &mut |place, name| {
        let at = at(place, positions);
        wrong.push(format!(
            "{place}: unknown placeholder {{{name}}}, known are {{namespace}}, {{id}} and {{short_id}}{at}"
        ));
    });
    wrong
}

fn unknown_placeholders(value: &Value, place: &mut Place, report: &mut impl FnMut(&Place, &str)) {
    match value {
        Value::String(text) => {
            for name in
                placeholders(text).filter(|name| !matches!(*name, "namespace" | "id" | "short_id"))
            {
                report(place, name);
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                place.enter(index, |place| unknown_placeholders(value, place, report));
            }
        }
        Value::Object(members) => {
            for (key, value) in members {
                place.enter(key.as_str(), |place| unknown_placeholders(value, place, report));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The words in braces of a text, except those of a shell: `${HOME}`.
fn placeholders(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices('{').filter(|(open, _)| !text[..*open].ends_with('$')).filter_map(
        |(open, _)| {
            let name = text[open + 1..].split_once('}')?.0;
            let word = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
            (!name.is_empty() && name.bytes().all(word)).then_some(name)
        },
    )
}

/// Whether a text can be asked for as a profile.
fn is_name(text: &str) -> bool {
    text.len() <= LONGEST_NAME
        && text
            .split(['.', '-', '_'])
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// Whether a text has the form of a date, so that dates compare like texts.
fn is_date(text: &str) -> bool {
    let digits = |byte: u8| if byte.is_ascii_digit() { b'0' } else { byte };
    text.bytes().map(digits).eq(*b"0000-00-00")
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
        for text in ["[]", " 7", "null", ""] {
            assert_eq!(wrong(text), "must be an object", "{text}");
        }
        let field = |field: &str| wrong(&format!(r#"{{"name":"x","description":"",{field}}}"#));
        let image = field(r#""image":"docker""#);
        let words =
            "unknown value `docker`, expected one of `oci`, `containerd`, `faas-rs` at line 1";
        assert!(image.starts_with(words), "{image}");
        for value in ["\"docker\"", "[]"] {
            let seccomp = field(&format!(r#""seccomp":{value}"#));
            let words = "expected an object with policy and applied at line 1 column";
            assert!(seccomp.contains(words), "{seccomp}");
        }
        assert!(wrong(r#"{"name":"x","description":"","image":"oci","spce":{}}"#).contains("spce"));
        assert!(wrong(r#"{"name":"x","description":"","spec":[]}"#).contains("must be an object"));
        let node = r#"{"name":"x","description":"","aliases":["node"]}"#;
        assert!(wrong(node).contains("it stands for that of the node's release"));
        let date = r#"{"name":"x","description":"","supported_until":"May 2027"}"#;
        assert!(wrong(date).contains("must be a date"));
        for name in ["", "a b", "-a", "a..b", "ä", &"x".repeat(77)] {
            let text = format!(r#"{{"name":"{name}","description":""}}"#);
            assert!(wrong(&text).contains("no name of a profile"), "{name}");
            assert!(wrong(&text).ends_with("at most 76 characters"), "{name}");
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
    fn an_unknown_field_is_an_error_or_kept() {
        let strict = r#"{"name":"x","description":"","spec":
            {"linux":{"maskPaths":["/a"]},
            "invented":{"a":1}}}"#;
        let error = on_function(strict).unwrap_err();
        for words in [
            "linux.maskPaths: the runtime specification has no such field at line 2 column 35",
            "invented: the runtime specification has no such field at line 3 column 24",
            "\"strict\": false",
        ] {
            assert!(error.contains(words), "{error}");
        }
        let kept = strict.replacen('{', r#"{"strict":false,"#, 1);
        let profile = on_function(&kept).unwrap();
        let linux = profile.spec.linux.as_ref().unwrap();
        assert_eq!(linux.other["maskPaths"], serde_json::json!(["/a"]));
        assert_eq!(profile.unknown_fields(), ["linux.maskPaths", "invented"]);
        let known = Profiles::built_in(DEFAULT_PROFILE).unwrap();
        for (profile, _) in known.iter() {
            assert!(profile.unknown_fields().is_empty(), "{}", profile.name);
        }
    }

    #[test]
    fn an_error_in_the_spec_has_its_path_line_and_column() {
        for (spec, error) in [
            (
                r#"{"linux":{"namespaces":[1]}}"#,
                "linux.namespaces[0]: must be an object at line 1 column 61",
            ),
            (
                r#"{"hostname":"{container}"}"#,
                "hostname: unknown placeholder {container}, known are {namespace}, {id} and {short_id} at line 1 column 49",
            ),
        ] {
            let text = format!(r#"{{"name":"x","description":"","spec":{spec}}}"#);
            let found = on_function(&text).unwrap_err();
            assert!(found.starts_with(error), "{found}");
        }
        for hostname in ["{namespace}-{id}", "{short_id}", "${HOME}", "{}", r#"{\"a\":1}"#] {
            let text =
                format!(r#"{{"name":"x","description":"","spec":{{"hostname":"{hostname}"}}}}"#);
            on_function(&text).unwrap();
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
