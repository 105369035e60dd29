//! The profiles on offer: those that come with the server, and an operator's beside them.
//!
//! Invariant: a set has each name once, and its default is one of them, or that of the node's release.

use crate::domain::similar::similar;
use crate::spec::profile::Profile;
use crate::spec::profile::file::File;
use crate::spec::profile::release::NODE;

/// The profiles that come with the server, in the order in which they are documented.
const BUILT_IN: [(&str, &str); 13] = [
    ("function.json", include_str!("../profiles/function.json")),
    ("hardened.json", include_str!("../profiles/hardened.json")),
    ("rootless.json", include_str!("../profiles/rootless.json")),
    ("faas-rs.json", include_str!("../profiles/faas-rs.json")),
    ("containerd-2.4.json", include_str!("../profiles/containerd-2.4.json")),
    ("containerd-2.3.json", include_str!("../profiles/containerd-2.3.json")),
    ("containerd-2.2.json", include_str!("../profiles/containerd-2.2.json")),
    ("containerd-2.1.json", include_str!("../profiles/containerd-2.1.json")),
    ("containerd-2.0.json", include_str!("../profiles/containerd-2.0.json")),
    ("containerd-1.7.json", include_str!("../profiles/containerd-1.7.json")),
    ("containerd-1.6.json", include_str!("../profiles/containerd-1.6.json")),
    ("docker-29.json", include_str!("../profiles/docker-29.json")),
    ("docker-28.json", include_str!("../profiles/docker-28.json")),
];

/// A profile's file that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {reason}")]
pub struct FileError {
    /// The file's name.
    pub file: String,
    /// What is wrong with it, with its position where there is one.
    pub reason: String,
}

/// Why there is no set of profiles.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProfilesError {
    /// Files that cannot be used, every one of them.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Files(Vec<FileError>),
    /// No profile has the default's name.
    #[error("no profile is named {name:?}, known are {known}")]
    NoDefault {
        /// The name.
        name: String,
        /// The names that there are.
        known: String,
    },
}

/// The profiles that a server offers, and which of them is the default.
#[derive(Debug, Clone)]
pub struct Profiles {
    list: Vec<Profile>,
    /// The default's place in the list; nothing where it is the profile of the node's release.
    default: Option<usize>,
}

impl Profiles {
    /// The built-in profiles, with a default.
    ///
    /// # Errors
    ///
    /// [`ProfilesError::NoDefault`] where no profile has the default's name.
    pub fn built_in(default: &str) -> Result<Self, ProfilesError> {
        Self::with(default, &[])
    }

    /// The built-in profiles and those of files, by their names and texts, with a default.
    ///
    /// A file may extend a profile of any other, whichever comes first.
    ///
    /// # Errors
    ///
    /// [`ProfilesError::Files`] with every file that cannot be used, else as [`Profiles::built_in`].
    pub fn with(default: &str, files: &[(String, String)]) -> Result<Self, ProfilesError> {
        let built_in = BUILT_IN.iter().map(|(name, text)| (*name, *text));
        let given = files.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        let list = read(built_in.chain(given)).map_err(ProfilesError::Files)?;
        match list.iter().position(|profile| profile.is_named(default)) {
            None if default == NODE => Ok(Self { list, default: None }),
            Some(place) => Ok(Self { list, default: Some(place) }),
            None => Err(ProfilesError::NoDefault { name: default.to_owned(), known: known(&list) }),
        }
    }

    /// Whether a name, or the default for no name, stands for the profile of the node's release.
    #[must_use]
    pub fn is_of_node(&self, name: Option<&str>) -> bool {
        name.map_or(self.default.is_none(), |name| name == NODE)
    }

    /// The profile of a name, or the default one for no name; nothing for the profile of the node's release.
    #[must_use]
    pub fn get(&self, name: Option<&str>) -> Option<&Profile> {
        match name {
            None => self.list.get(self.default?),
            Some(name) => self.list.iter().find(|profile| profile.is_named(name)),
        }
    }

    /// Every profile, and whether it is the default.
    pub fn iter(&self) -> impl Iterator<Item = (&Profile, bool)> {
        self.list.iter().enumerate().map(|(index, profile)| (profile, Some(index) == self.default))
    }

    /// A sentence for a name that no profile has, with the nearest and all names.
    #[must_use]
    pub fn unknown(&self, name: Option<&str>) -> String {
        if self.is_of_node(name) {
            return format!(
                "the profile {NODE:?} needs containerd: it is the profile of the release that runs on the node. Where there is \
                 none, for example with an OCI layout, name a profile: known are {}",
                self.names()
            );
        }
        let name = name.unwrap_or_default();
        let names = self.list.iter().flat_map(Profile::names).chain([NODE]);
        let near = match similar(name, names, |name| name, 1).first() {
            Some(near) => format!(", did you mean {near:?}?"),
            None => ",".to_owned(),
        };
        format!("unknown profile {name:?}{near} known are {}", known(&self.list))
    }

    /// The names that [`Profiles::get`] knows, for people.
    #[must_use]
    pub fn names(&self) -> String {
        names(&self.list)
    }
}

fn names(list: &[Profile]) -> String {
    let all: Vec<&str> = list.iter().flat_map(Profile::names).collect();
    all.join(", ")
}

/// The names that a request may have, for people.
fn known(list: &[Profile]) -> String {
    format!("{}, {NODE}", names(list))
}

/// Reads every file, each after the one that it extends, in the order given.
fn read<'a>(
    texts: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<Vec<Profile>, Vec<FileError>> {
    let (mut wrong, mut taken) = (Vec::new(), Vec::<String>::new());
    let mut waiting = Vec::new();
    for (place, (name, text)) in texts.enumerate() {
        match File::parse(text).and_then(|file| unless_taken(file, &taken)) {
            Ok(file) => {
                taken.extend(file.names().map(str::to_owned));
                waiting.push((place, (name, text), file));
            }
            Err(reason) => wrong.push(FileError { file: name.to_owned(), reason }),
        }
    }
    let mut known: Vec<(usize, Profile)> = Vec::new();
    loop {
        let before = waiting.len();
        let mut later = Vec::new();
        for (place, source, file) in waiting {
            let base = match &file.extends {
                None => None,
                Some(base) => match known.iter().find(|(_, profile)| profile.is_named(base)) {
                    Some((_, base)) => Some(base),
                    None => {
                        later.push((place, source, file));
                        continue;
                    }
                },
            };
            match file.on(source, base) {
                Ok(profile) => known.push((place, profile)),
                Err(reason) => wrong.push(FileError { file: source.0.to_owned(), reason }),
            }
        }
        waiting = later;
        if waiting.is_empty() || waiting.len() == before {
            break;
        }
    }
    for (_, (name, _), file) in waiting {
        let base = file.extends.unwrap_or_default();
        let why = if base == file.name || taken.contains(&base) {
            "which cannot be used, or extends this one in turn"
        } else {
            "which is not known"
        };
        wrong.push(FileError {
            file: name.to_owned(),
            reason: format!("it extends {base:?}, {why}"),
        });
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    known.sort_by_key(|(place, _)| *place);
    Ok(known.into_iter().map(|(_, profile)| profile).collect())
}

fn unless_taken(file: File, taken: &[String]) -> Result<File, String> {
    let twice = file.names().find(|name| taken.iter().any(|taken| taken == name));
    match twice.map(|name| format!("another profile is named {name:?}")) {
        Some(reason) => Err(reason),
        None => Ok(file),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::request::DEFAULT_PROFILE;

    fn with(files: &[(&str, &str)]) -> Result<Profiles, ProfilesError> {
        let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
        Profiles::with(DEFAULT_PROFILE, &files.iter().map(owned).collect::<Vec<_>>())
    }

    #[test]
    fn names_aliases_and_the_default() {
        let profiles = Profiles::built_in(DEFAULT_PROFILE).unwrap();
        assert_eq!(profiles.get(None).unwrap().name, "function");
        assert_eq!(profiles.get(Some("containerd")).unwrap().name, "containerd-2.4");
        assert!(profiles.get(Some("nonsense")).is_none());
        let unknown = |name| profiles.unknown(Some(name));
        assert!(
            unknown("dokcer")
                .starts_with("unknown profile \"dokcer\", did you mean \"docker\"? known are f")
        );
        assert!(
            unknown("nonsense").starts_with("unknown profile \"nonsense\", known are function")
                && unknown("nonsense").ends_with(", docker-28, node")
        );
        assert!(unknown("nod").contains("did you mean \"node\"?"), "{}", unknown("nod"));
        assert!(
            profiles
                .names()
                .starts_with("function, hardened, rootless, faas-rs, containerd-2.4, containerd, ")
        );
        assert!(unknown("node").starts_with("the profile \"node\" needs containerd: "));
        assert!(!profiles.is_of_node(None) && profiles.is_of_node(Some("node")));
        let of_node = Profiles::built_in("node").unwrap();
        assert!(of_node.is_of_node(None) && of_node.get(None).is_none());
        assert!(of_node.iter().all(|(_, is_default)| !is_default));
        let wrong = Profiles::built_in("nonsense").unwrap_err().to_string();
        assert!(wrong.contains("known are function") && wrong.ends_with(", node"), "{wrong}");
    }

    #[test]
    fn files_extend_each_other_in_any_order() {
        let a = r#"{"name":"a","description":"","extends":"b","spec":{"hostname":"a"}}"#;
        let b = r#"{"name":"b","description":"","extends":"docker","aliases":["bee"],
            "spec":{"hostname":"b","domainname":"b"}}"#;
        let profiles = with(&[("a.json", a), ("b.json", b)]).unwrap();
        assert!(profiles.names().ends_with("docker-28, a, b, bee"), "{}", profiles.names());
        let spec = &profiles.get(Some("a")).unwrap().spec;
        assert_eq!((spec.hostname.as_str(), spec.domainname.as_str()), ("a", "b"));
        assert!(profiles.get(Some("a")).unwrap().seccomp.applied);
    }

    #[test]
    fn every_file_that_is_wrong_is_error() {
        let files = [
            ("cycle-1.json", r#"{"name":"c1","description":"","extends":"c2"}"#),
            ("cycle-2.json", r#"{"name":"c2","description":"","extends":"c1"}"#),
            ("itself.json", r#"{"name":"i","description":"","extends":"i"}"#),
            ("lost.json", r#"{"name":"l","description":"","extends":"nobody"}"#),
            ("syntax.json", "{\n  \"name\": \"s\",,\n}"),
            (
                "taken.json",
                r#"{"name":"t","description":"","extends":"docker","aliases":["docker"]}"#,
            ),
        ];
        let ProfilesError::Files(wrong) = with(&files).unwrap_err() else {
            panic!("not the files")
        };
        let mut error: Vec<String> = wrong.iter().map(ToString::to_string).collect();
        error.sort();
        let words =
            ["extends this one", "extends this one", "extends this one", "which is not known"];
        for (error, words) in error.iter().zip(words) {
            assert!(error.contains(words), "{error}");
        }
        assert!(
            error[4].starts_with("syntax.json: ") && error[4].contains("line 2 column 15"),
            "{error:?}"
        );
        assert_eq!(error[5], r#"taken.json: another profile is named "docker""#);
        assert_eq!(error.len(), files.len());
    }
}
