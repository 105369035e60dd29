//! Platforms: which manifest of an index runs on which node.
//!
//! The rules are those of containerd's `platforms.Only`. A request for Windows or Darwin, for which containerd
//! makes other specs, is refused before it gets here.

use std::cmp::Reverse;
use std::fmt;

/// An operating system, an architecture and its variant, in the words of an image index.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Platform {
    /// `linux`.
    pub os: String,
    /// The architecture, by Go's name.
    pub architecture: String,
    /// The variant, or empty.
    pub variant: String,
    /// The features of the operating system.
    pub os_features: OsFeatures,
}

/// The features of an operating system, for example `erofs`: those that an image needs, or that a node has.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum OsFeatures {
    /// These, sorted and each once.
    Listed(Vec<String>),
    /// Whatever an image needs, since releases of containerd before 2.3 do not look at it.
    NotLookedAt,
}

impl Default for OsFeatures {
    fn default() -> Self {
        Self::Listed(Vec::new())
    }
}

impl OsFeatures {
    /// These features. containerd: `platforms.Normalize`.
    #[must_use]
    pub fn new(mut features: Vec<String>) -> Self {
        features.sort();
        features.dedup();
        Self::Listed(features)
    }

    /// The features, sorted.
    #[must_use]
    pub fn list(&self) -> &[String] {
        match self {
            Self::Listed(features) => features,
            Self::NotLookedAt => &[],
        }
    }

    /// Whether a node with these features runs an image that needs the others. containerd: `matcher.Match`.
    fn has_all(&self, needed: &Self) -> bool {
        match self {
            Self::Listed(features) => {
                needed.list().iter().all(|feature| features.binary_search(feature).is_ok())
            }
            Self::NotLookedAt => true,
        }
    }
}

impl Platform {
    /// A platform in normal form.
    #[must_use]
    pub fn new(os: &str, architecture: &str, variant: &str) -> Self {
        Self {
            os: os.to_owned(),
            architecture: architecture.to_owned(),
            variant: variant.to_owned(),
            os_features: OsFeatures::default(),
        }
        .normalized()
    }

    /// The same platform with the usual names: `x86_64` is `amd64`, `arm64/v8` is `arm64`, no
    /// operating system is Linux.
    ///
    /// containerd: `platforms.Normalize`.
    #[must_use]
    pub fn normalized(mut self) -> Self {
        for text in [&mut self.os, &mut self.architecture, &mut self.variant] {
            text.make_ascii_lowercase();
        }
        match self.os.as_str() {
            "" => "linux".clone_into(&mut self.os),
            "macos" => "darwin".clone_into(&mut self.os),
            _ => {}
        }
        let (architecture, variant) = match (self.architecture.as_str(), self.variant.as_str()) {
            ("i386", _) => ("386", Some("")),
            ("x86_64" | "x86-64" | "amd64", "v1") => ("amd64", Some("")),
            ("x86_64" | "x86-64", _) => ("amd64", None),
            ("aarch64" | "arm64", "8" | "v8" | "v8.0") => ("arm64", Some("")),
            ("aarch64" | "arm64", "9" | "9.0" | "v9.0") => ("arm64", Some("v9")),
            ("aarch64", _) => ("arm64", None),
            ("armhf", _) => ("arm", Some("v7")),
            ("armel", _) => ("arm", Some("v6")),
            ("arm", "" | "7") => ("arm", Some("v7")),
            ("arm", "5") => ("arm", Some("v5")),
            ("arm", "6") => ("arm", Some("v6")),
            ("arm", "8") => ("arm", Some("v8")),
            _ => return self,
        };
        architecture.clone_into(&mut self.architecture);
        if let Some(variant) = variant {
            variant.clone_into(&mut self.variant);
        }
        self
    }

    /// The same platform with other features.
    #[must_use]
    pub fn with_os_features(self, os_features: OsFeatures) -> Self {
        Self { os_features, ..self }
    }

    /// Whether containerd makes a spec for Linux for this operating system. containerd:
    /// `oci.generateDefaultSpecWithPlatform`.
    #[must_use]
    pub fn has_linux_spec(&self) -> bool {
        !matches!(self.os.as_str(), "windows" | "darwin")
    }

    /// Whether an index marks the entry as an attestation, which is not an image.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.os == "unknown" || self.architecture == "unknown"
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.os)?;
        if !self.os_features.list().is_empty() {
            write!(f, "(+{})", self.os_features.list().join("+"))?;
        }
        write!(f, "/{}", self.architecture)?;
        if !self.variant.is_empty() {
            write!(f, "/{}", self.variant)?;
        }
        Ok(())
    }
}

/// The platforms that a node can run, best first.
///
/// containerd: `platforms.Only`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matcher {
    platforms: Vec<Platform>,
    os_features: OsFeatures,
}

/// How well a platform suits a node, the best first: its place among those that the node runs, and then the one
/// with the most features.
pub type Rank = (usize, Reverse<usize>);

impl Matcher {
    /// What a node of this platform runs: its own platform, then older ones.
    #[must_use]
    pub fn only(platform: &Platform) -> Self {
        let mut own = platform.clone().normalized();
        let os_features = std::mem::take(&mut own.os_features);
        let with = |architecture: &str, variants: &[String]| -> Vec<Platform> {
            variants.iter().map(|variant| Platform::new(&own.os, architecture, variant)).collect()
        };
        let mut list = vec![own.clone()];
        match (own.architecture.as_str(), variant_number(&own.variant)) {
            ("amd64", version) => {
                if let Some((version, 0)) = version {
                    list.extend(with("amd64", &descending(version, 1)));
                }
                list.extend(with("386", &[String::new()]));
            }
            ("arm", Some((version, 0))) => list.extend(with("arm", &descending(version, 5))),
            ("arm64", version) => {
                list.extend(with("arm64", &arm64_below(version.unwrap_or((8, 0)))));
                list.extend(with("arm", &descending(9, 5)));
            }
            _ => {}
        }
        Self { platforms: list, os_features }
    }

    /// The rank of a platform for the node; absent if the node cannot run it.
    #[must_use]
    pub fn rank(&self, platform: &Platform) -> Option<Rank> {
        if !self.os_features.has_all(&platform.os_features) {
            return None;
        }
        let features = match &self.os_features {
            OsFeatures::Listed(_) => platform.os_features.list().len(),
            OsFeatures::NotLookedAt => 0,
        };
        let platform = platform.clone().normalized().with_os_features(OsFeatures::default());
        let place = self.platforms.iter().position(|known| *known == platform)?;
        Some((place, Reverse(features)))
    }

    /// Whether the node has this operating system and some variant of this architecture.
    ///
    /// For an image without an index. containerd does not check it, and the container fails with "exec format
    /// error".
    #[must_use]
    pub fn has_architecture(&self, platform: &Platform) -> bool {
        let platform = platform.clone().normalized();
        self.platforms
            .iter()
            .any(|p| p.os == platform.os && p.architecture == platform.architecture)
    }
}

/// `v9.5` as (9, 5), `v7` as (7, 0).
fn variant_number(variant: &str) -> Option<(u32, u32)> {
    let number = variant.strip_prefix('v')?;
    match number.split_once('.') {
        Some((major, minor)) => Some((major.parse().ok()?, minor.parse().ok()?)),
        None => Some((number.parse().ok()?, 0)),
    }
}

/// The variants below `from`, down to `to`.
fn descending(from: u32, to: u32) -> Vec<String> {
    (to..from).rev().map(|version| format!("v{version}")).collect()
}

/// The arm64 variants below one. A v9.x is based on v8.(x+5) and runs it.
fn arm64_below((major, minor): (u32, u32)) -> Vec<String> {
    let spelled = |major: u32, minor: u32| match (major, minor) {
        (8, 0) => String::new(),
        (major, 0) => format!("v{major}"),
        (major, minor) => format!("v{major}.{minor}"),
    };
    let mut variants = Vec::new();
    if major == 9 {
        variants.extend((0..minor).rev().map(|minor| spelled(9, minor)));
        variants.extend((0..=(minor + 5).min(9)).rev().map(|minor| spelled(8, minor)));
    } else if major == 8 {
        variants.extend((0..minor).rev().map(|minor| spelled(8, minor)));
    }
    variants
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(architecture: &str, variant: &str) -> Vec<String> {
        let Matcher { platforms: list, .. } =
            Matcher::only(&Platform::new("linux", architecture, variant));
        list.iter().map(|p| p.to_string().replace("linux/", "")).collect()
    }

    #[test]
    fn vectors_are_containerds() {
        assert_eq!(vector("x86_64", ""), ["amd64", "386"]);
        assert_eq!(vector("amd64", "v3"), ["amd64/v3", "amd64/v2", "amd64", "386"]);
        assert_eq!(vector("arm", ""), ["arm/v7", "arm/v6", "arm/v5"]);
        assert_eq!(vector("aarch64", "v8"), ["arm64", "arm/v8", "arm/v7", "arm/v6", "arm/v5"]);
        assert_eq!(
            vector("arm64", "v9.1")[..5],
            ["arm64/v9.1", "arm64/v9", "arm64/v8.6", "arm64/v8.5", "arm64/v8.4"]
        );
        assert_eq!(vector("s390x", ""), ["s390x"]);
    }

    #[test]
    fn a_variant_must_be_one_that_the_node_has() {
        let node = Matcher::only(&Platform::new("linux", "amd64", ""));
        assert_eq!(node.rank(&Platform::new("linux", "amd64", "v1")), Some((0, Reverse(0))));
        assert_eq!(node.rank(&Platform::new("linux", "amd64", "v3")), None);
        assert_eq!(node.rank(&Platform::new("windows", "amd64", "")), None);
        assert!(node.has_architecture(&Platform::new("linux", "amd64", "v3")));
        assert!(!node.has_architecture(&Platform::new("linux", "arm64", "")));
    }

    /// containerd: the tests of `platforms.matcher` and of its order.
    #[test]
    fn features_must_be_those_that_were_asked_for_and_more_of_them_are_better() {
        let with = |architecture: &str, features: &[&str]| {
            let features = features.iter().map(ToString::to_string).collect();
            Platform::new("linux", architecture, "").with_os_features(OsFeatures::new(features))
        };
        let plain = Matcher::only(&with("amd64", &[]));
        assert!(plain.rank(&with("amd64", &[])).is_some());
        assert_eq!(plain.rank(&with("amd64", &["erofs"])), None);
        let both = Matcher::only(&with("amd64", &["b", "a"]));
        let rank = |platform: &Platform| both.rank(platform).unwrap();
        assert!(rank(&with("amd64", &["a", "b", "a"])) < rank(&with("amd64", &["b"])));
        assert!(rank(&with("amd64", &["b"])) < rank(&with("amd64", &[])));
        assert!(rank(&with("amd64", &[])) < rank(&with("386", &["a"])));
        assert_eq!(both.rank(&with("amd64", &["a", "c"])), None);
        let old = Matcher::only(&with("amd64", &[]).with_os_features(OsFeatures::NotLookedAt));
        assert_eq!(old.rank(&with("amd64", &["erofs"])), old.rank(&with("amd64", &[])));
        assert_eq!(with("arm", &["b", "a"]).to_string(), "linux(+a+b)/arm/v7");
    }

    #[test]
    fn attestations_are_unknown() {
        assert!(Platform::new("unknown", "unknown", "").is_unknown());
        assert!(!Platform::new("linux", "arm", "").is_unknown());
    }
}
