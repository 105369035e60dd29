//! Image names: those that a store has, and the short ones that people write.
//!
//! containerd matches a stored name byte for byte. Docker's rules turn a short name into the stored one.
//! Both are tried, in that order.

use crate::domain::limits::IMAGE_NAME_BYTES;
use crate::image::digest::Digest;
use std::fmt;
use std::sync::Arc;

/// The name of an image.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ImageName(Arc<str>);

/// Why a string is not an image name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageNameError {
    /// The name is empty.
    #[error("must not be empty")]
    Empty,
    /// The name is longer than any stored name.
    #[error("is {0} bytes long, at most {IMAGE_NAME_BYTES} are allowed")]
    TooLong(usize),
    /// The name contains a control character, which no stored name has.
    #[error("must not contain control characters")]
    Control,
}

impl ImageName {
    /// Parses any text that could be a stored name.
    ///
    /// # Errors
    ///
    /// An [`ImageNameError`] that says which rule is broken.
    pub fn parse(text: &str) -> Result<Self, ImageNameError> {
        if text.is_empty() {
            Err(ImageNameError::Empty)
        } else if text.len() > IMAGE_NAME_BYTES {
            Err(ImageNameError::TooLong(text.len()))
        } else if text.chars().any(char::is_control) {
            Err(ImageNameError::Control)
        } else {
            Ok(Self(text.into()))
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part by which people know an image: the last component of its path, without tag and digest.
    #[must_use]
    pub fn base(name: &str) -> &str {
        let name = name.split('@').next().unwrap_or_default();
        let last = name.rsplit('/').next().unwrap_or_default();
        last.split(':').next().unwrap_or_default()
    }

    /// The names to try: this one, then the one that Docker's rules make of it, if it differs.
    #[must_use]
    pub fn candidates(&self) -> Vec<String> {
        let mut names = vec![self.0.to_string()];
        names.extend(normalize(&self.0).filter(|name| name != self.as_str()));
        names
    }
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The full name of a short one; absent if the name is not a reference.
///
/// `nginx` is `docker.io/library/nginx:latest`; with both a tag and a digest only the digest is kept.
///
/// containerd: `reference.ParseDockerRef` of distribution/reference.
#[must_use]
pub fn normalize(name: &str) -> Option<String> {
    if name.len() == 64 && name.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    let (rest, digest) = match name.split_once('@') {
        Some((rest, digest)) => (rest, Some(Digest::parse(digest).ok()?)),
        None => (name, None),
    };
    let path_start = rest.rfind('/').map_or(0, |slash| slash + 1);
    let (repository, tag) = match rest[path_start..].find(':') {
        Some(colon) => (&rest[..path_start + colon], Some(&rest[path_start + colon + 1..])),
        None => (rest, None),
    };
    if tag.is_some_and(|tag| !is_tag(tag)) {
        return None;
    }
    let (domain, path) = split_domain(repository);
    let in_grammar = is_domain(domain) && path.split('/').all(is_path_component);
    if !in_grammar || domain.len() + 1 + path.len() > 255 {
        return None;
    }
    Some(match (digest, tag) {
        (Some(digest), _) => format!("{domain}/{path}@{digest}"),
        (None, Some(tag)) => format!("{domain}/{path}:{tag}"),
        (None, None) => format!("{domain}/{path}:latest"),
    })
}

/// Why no registry can have an image of this name, with what to write instead; absent for a possible name.
///
/// A store may have such a name all the same, so it is looked up first.
#[must_use]
pub fn why_impossible(name: &str) -> Option<String> {
    if normalize(name).is_some() || name.len() == 64 && normalize(&name[1..]).is_some() {
        return None;
    }
    if let Some((scheme, rest)) = name.split_once("://") {
        return Some(format!(
            "{name:?} is not an image name: leave out {scheme}://, as in {rest:?}"
        ));
    }
    let (rest, digest) = match name.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (name, None),
    };
    if let Some(Err(error)) = digest.map(Digest::parse) {
        return Some(format!("{name:?} is not an image name: after @: {error}"));
    }
    let path_start = rest.rfind('/').map_or(0, |slash| slash + 1);
    if let Some(colon) = rest[path_start..].find(':').map(|colon| path_start + colon)
        && normalize(&rest[..colon]).is_some()
    {
        return Some(format!(
            "{name:?} is not an image name: after the colon a tag must follow, letters, digits and \"_.-\", at most 128"
        ));
    }
    let lower = name.to_ascii_lowercase();
    if normalize(&lower).is_some() {
        return Some(format!(
            "{name:?} is not an image name: the repository must be lower case, for example {lower:?}"
        ));
    }
    Some(format!(
        "{name:?} is not an image name: expected [REGISTRY/]REPOSITORY[:TAG][@DIGEST], for example \"docker.io/library/nginx:1.27\""
    ))
}

/// The registry and the path of a repository; Docker Hub if no registry is named.
fn split_domain(repository: &str) -> (&str, std::borrow::Cow<'_, str>) {
    const HUB: &str = "docker.io";
    let named = repository.split_once('/').filter(|(first, _)| {
        *first == "localhost"
            || first.contains(['.', ':'])
            || first.bytes().any(|b| b.is_ascii_uppercase())
    });
    let (domain, path) = named.unwrap_or((HUB, repository));
    let domain = if domain == "index.docker.io" { HUB } else { domain };
    if domain == HUB && !path.contains('/') {
        (domain, format!("library/{path}").into())
    } else {
        (domain, path.into())
    }
}

/// `[\w][\w.-]{0,127}`.
fn is_tag(tag: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    tag.len() <= 128
        && tag.bytes().next().is_some_and(word)
        && tag.bytes().all(|b| word(b) || matches!(b, b'.' | b'-'))
}

/// A host name, an IPv4 address or a bracketed IPv6 address, and a port.
fn is_domain(domain: &str) -> bool {
    let digits = |port: &str| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    if let Some(rest) = domain.strip_prefix('[') {
        let Some((address, after)) = rest.split_once(']') else {
            return false;
        };
        let inside = |b: u8| b.is_ascii_hexdigit() || b == b':';
        return !address.is_empty()
            && address.bytes().all(inside)
            && (after.is_empty() || after.strip_prefix(':').is_some_and(digits));
    }
    let (host, port) = match domain.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (domain, None),
    };
    let label = |label: &str| {
        let edges = !label.starts_with('-') && !label.ends_with('-');
        edges && !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    host.split('.').all(label) && port.is_none_or(digits)
}

/// `[a-z0-9]+(?:(?:[._]|__|[-]+)[a-z0-9]+)*`.
fn is_path_component(component: &str) -> bool {
    let alphanumeric = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9');
    let mut rest = component.as_bytes();
    loop {
        let word = rest.iter().take_while(|b| alphanumeric(**b)).count();
        if word == 0 {
            return false;
        }
        rest = &rest[word..];
        let separator = rest.iter().take_while(|b| !alphanumeric(**b)).count();
        match &rest[..separator] {
            [] => return true,
            b"." | b"_" | b"__" => {}
            dashes if dashes.iter().all(|b| *b == b'-') => {}
            _ => return false,
        }
        rest = &rest[separator..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn familiar_names_become_full_ones() {
        let digest = format!("sha256:{}", "a".repeat(64));
        for (familiar, full) in [
            ("nginx", "docker.io/library/nginx:latest"),
            ("nginx:1.27", "docker.io/library/nginx:1.27"),
            ("library/nginx", "docker.io/library/nginx:latest"),
            ("docker.io/nginx", "docker.io/library/nginx:latest"),
            ("index.docker.io/nginx", "docker.io/library/nginx:latest"),
            ("me/app_x", "docker.io/me/app_x:latest"),
            ("localhost/app", "localhost/app:latest"),
            ("localhost:5000/app", "localhost:5000/app:latest"),
            ("registry.example/a/b:v1", "registry.example/a/b:v1"),
            ("Upper/app", "Upper/app:latest"),
            ("[::1]:5000/app", "[::1]:5000/app:latest"),
        ] {
            assert_eq!(normalize(familiar).as_deref(), Some(full), "{familiar}");
        }
        assert_eq!(
            normalize(&format!("nginx:1.27@{digest}")),
            Some(format!("docker.io/library/nginx@{digest}"))
        );
    }

    #[test]
    fn what_is_no_reference_is_only_tried_as_it_is() {
        for name in [
            &"a".repeat(64),
            "Nginx",
            "nginx:",
            "nginx:-x",
            "a//b",
            "a___b",
            "a..b",
            "-a",
            "a-",
            "nginx@sha256:abc",
            "registry.example:x/app",
            &"a/".repeat(200),
        ] {
            assert_eq!(normalize(name), None, "{name}");
            assert_eq!(ImageName::parse(name).unwrap().candidates(), [name]);
        }
    }

    #[test]
    fn an_impossible_name_is_explained() {
        for (name, words) in [
            ("NGINX", "lower case, for example \"nginx\""),
            ("me/App:V1", "lower case"),
            ("nginx:", "after the colon a tag must follow"),
            ("http://registry.example/app", "leave out http://"),
            ("x@sha256:abc", "after @: "),
            ("a//b", "expected [REGISTRY/]REPOSITORY"),
        ] {
            let why = why_impossible(name).unwrap();
            assert!(why.contains(words) && why.contains(&format!("{name:?}")), "{why}");
        }
        let digest = format!("sha256:{}", "a".repeat(64));
        for name in ["nginx", "Registry.example/app:1", &digest, &"a".repeat(64)] {
            assert_eq!(why_impossible(name), None, "{name}");
        }
    }

    #[test]
    fn a_full_name_is_tried_once() {
        let name = ImageName::parse("docker.io/library/nginx:latest").unwrap();
        assert_eq!(name.candidates(), ["docker.io/library/nginx:latest"]);
    }

    #[test]
    fn names_are_bounded() {
        assert_eq!(ImageName::parse(""), Err(ImageNameError::Empty));
        assert_eq!(ImageName::parse(&"a".repeat(1025)), Err(ImageNameError::TooLong(1025)));
        assert_eq!(ImageName::parse("a\nb"), Err(ImageNameError::Control));
    }

    proptest::proptest! {
        #[test]
        fn normal_names_stay(name in "[a-z0-9.:/_@A-Z-]{1,40}") {
            if let Some(full) = normalize(&name) {
                proptest::prop_assert_eq!(normalize(&full), Some(full));
            }
        }
    }
}
