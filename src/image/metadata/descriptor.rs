//! Descriptors, and the indexes and manifests made of them, out of JSON.
//!
//! Which of them is followed is `describe`'s.

use crate::image::Descriptor;
use crate::image::digest::Digest;
use crate::image::metadata::go_json::List;
use crate::image::metadata::go_json::{Document, JsonError, Value};
use crate::image::metadata::media_type::{self, Kind};
use crate::image::platform::Platform;
use std::collections::BTreeMap;

/// An entry of an index, or what a manifest refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The blob.
    pub descriptor: Descriptor,
    /// What else is said of it.
    pub annotations: BTreeMap<String, String>,
}

/// A configuration and layers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The configuration.
    pub config: Descriptor,
    /// The layers, lowest first.
    pub layers: Vec<Descriptor>,
}

/// Reads an index.
///
/// containerd: `json.Unmarshal` into `ocispec.Index`, after `images.validateMediaType`.
///
/// # Errors
///
/// What is no index; an entry whose digest or size is none, also where nobody would follow it.
pub fn index(bytes: &[u8]) -> Result<Vec<Entry>, JsonError> {
    let document = Document::parse(bytes)?;
    media_type::check(&document, Kind::Index)?;
    let mut manifests = List::<Raw>::default();
    document.root().fields(INDEX, |name, value| match name {
        "manifests" => value.list(&mut manifests, Raw::read_whole),
        _ => other_field(name, value),
    })?;
    manifests.into_vec().into_iter().map(Raw::entry).collect()
}

/// Reads a manifest.
///
/// containerd: `json.Unmarshal` into `ocispec.Manifest`, after `images.validateMediaType`.
///
/// # Errors
///
/// What is no manifest; a configuration or a layer whose digest or size is none.
pub fn manifest(bytes: &[u8]) -> Result<Manifest, JsonError> {
    let document = Document::parse(bytes)?;
    media_type::check(&document, Kind::Manifest)?;
    let mut config = Raw::default();
    let mut layers = List::<Raw>::default();
    document.root().fields(MANIFEST, |name, value| match name {
        "config" => config.read(value),
        "layers" => value.list(&mut layers, Raw::read_whole),
        _ => other_field(name, value),
    })?;
    let layers = layers.into_vec().into_iter().map(|layer| Ok(layer.entry()?.descriptor));
    Ok(Manifest {
        config: config.entry().map_err(|error| error.within("config"))?.descriptor,
        layers: layers.collect::<Result<_, _>>()?,
    })
}

const INDEX: &[&str] =
    &["schemaVersion", "mediaType", "artifactType", "manifests", "subject", "annotations"];
const MANIFEST: &[&str] =
    &["schemaVersion", "mediaType", "artifactType", "config", "layers", "subject", "annotations"];

/// A field that nobody needs, and that must have its type all the same.
fn other_field(name: &str, value: Value<'_>) -> Result<(), JsonError> {
    match name {
        "schemaVersion" => value.integer(&mut 0),
        "subject" => Raw::default().read(value),
        "annotations" => value.string_map(&mut None),
        _ => value.string(&mut String::new()),
    }
}

/// A descriptor as it stands.
#[derive(Debug, Default)]
struct Raw {
    media_type: String,
    digest: String,
    size: i64,
    data: Option<Vec<u8>>,
    annotations: Option<BTreeMap<String, String>>,
    platform: Option<Platform>,
}

const DESCRIPTOR: &[&str] =
    &["mediaType", "digest", "size", "urls", "annotations", "data", "platform", "artifactType"];
const PLATFORM: &[&str] = &["architecture", "os", "os.version", "os.features", "variant"];

impl Raw {
    fn read(&mut self, value: Value<'_>) -> Result<(), JsonError> {
        value.fields(DESCRIPTOR, |name, value| match name {
            "mediaType" => value.string(&mut self.media_type),
            "digest" => value.string(&mut self.digest),
            "size" => value.integer(&mut self.size),
            "urls" => value.strings(&mut List::default()),
            "annotations" => value.string_map(&mut self.annotations),
            "data" => value.bytes(&mut self.data),
            "platform" if value.is_null() => {
                self.platform = None;
                Ok(())
            }
            "platform" => read_platform(self.platform.get_or_insert_default(), value),
            _ => value.string(&mut String::new()),
        })
    }

    /// Reads an element of a list, and at once refuses what is no descriptor: a list of nothing but
    /// `{}` would take fifty times the memory of its text.
    fn read_whole(&mut self, value: Value<'_>) -> Result<(), JsonError> {
        self.read(value)?;
        self.check().map(drop)
    }

    fn check(&self) -> Result<(Digest, u64), JsonError> {
        let digest = Digest::parse(&self.digest)
            .map_err(|error| JsonError::new(error.to_string()).within("digest"))?;
        let size = u64::try_from(self.size)
            .map_err(|_| JsonError::new(format!("is negative: {}", self.size)).within("size"))?;
        Ok((digest, size))
    }

    fn entry(self) -> Result<Entry, JsonError> {
        let (digest, size) = self.check()?;
        let Self { media_type, data, annotations, platform, .. } = self;
        let data = data.map(Into::into);
        Ok(Entry {
            descriptor: Descriptor { media_type, digest, size, data, platform },
            annotations: annotations.unwrap_or_default(),
        })
    }
}

/// Reads the fields of a platform, which a configuration has among its own.
///
/// # Errors
///
/// A field of the wrong type.
pub fn platform_field(into: &mut Platform, name: &str, value: Value<'_>) -> Result<(), JsonError> {
    match name {
        "architecture" => value.string(&mut into.architecture),
        "os" => value.string(&mut into.os),
        "variant" => value.string(&mut into.variant),
        "os.features" => value.strings(&mut List::default()),
        _ => value.string(&mut String::new()),
    }
}

fn read_platform(into: &mut Platform, value: Value<'_>) -> Result<(), JsonError> {
    value.fields(PLATFORM, |name, value| platform_field(into, name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(digit: char) -> String {
        format!("sha256:{}", String::from(digit).repeat(64))
    }

    #[test]
    fn all_of_a_descriptor_is_read() {
        let json = format!(
            r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"m","digest":"{}","size":5,"urls":["u"],
            "annotations":{{"a":"b"}},"data":"aGVsbG8=","artifactType":"t","platform":{{"os":"linux",
            "architecture":"arm","variant":"v7","os.version":"1","os.features":["f"]}}}}]}}"#,
            digest('a')
        );
        let expected = Entry {
            descriptor: Descriptor {
                media_type: "m".to_owned(),
                digest: Digest::parse(&digest('a')).unwrap(),
                size: 5,
                data: Some("hello".into()),
                platform: Some(Platform::new("linux", "arm", "v7")),
            },
            annotations: [("a".to_owned(), "b".to_owned())].into(),
        };
        assert_eq!(index(json.as_bytes()), Ok(vec![expected]));
    }

    #[test]
    fn a_field_given_twice_is_merged() {
        let json = format!(
            r#"{{"config":{{"digest":"{}","size":5,"platform":{{"os":"linux"}}}},
            "config":{{"size":6,"platform":{{"architecture":"arm64"}}}},
            "layers":[{{"digest":"{}","size":1}},{{"digest":"{}","size":2}}],
            "layers":[{{"size":3}}]}}"#,
            digest('a'),
            digest('b'),
            digest('c')
        );
        let found = manifest(json.as_bytes()).unwrap();
        assert_eq!((found.config.digest.as_str(), found.config.size), (&*digest('a'), 6));
        assert_eq!(found.config.platform, Some(Platform::new("linux", "arm64", "")));
        let layers: Vec<_> = found.layers.iter().map(|l| (l.digest.as_str(), l.size)).collect();
        assert_eq!(layers, [(&*digest('b'), 3)]);
    }

    #[test]
    fn a_null_platform_is_none() {
        let json = format!(
            r#"{{"manifests":[{{"digest":"{}","platform":{{"os":"linux"}},"platform":null}}]}}"#,
            digest('a')
        );
        assert_eq!(index(json.as_bytes()).unwrap()[0].descriptor.platform, None);
        assert_eq!(index(b"{\"manifests\":null}"), Ok(vec![]));
        assert_eq!(index(b"null"), Ok(vec![]));
    }

    #[test]
    fn every_field_has_its_type() {
        let good = format!(r#""config":{{"digest":"{}"}}"#, digest('a'));
        for (json, said) in [
            ("{}".to_owned(), "config.digest: \"\" is no digest"),
            (r#"{"layers":{}}"#.to_owned(), "layers: expected a list, found an object"),
            (r#"{"layers":[{}]}"#.to_owned(), "layers[0].digest: \"\" is no digest"),
            (
                r#"{"config":{"size":"1"}}"#.to_owned(),
                "config.size: expected an integer, found a string",
            ),
            (r#"{"config":{"urls":1}}"#.to_owned(), "config.urls: expected a list, found a number"),
            (
                r#"{"schemaVersion":"2"}"#.to_owned(),
                "schemaVersion: expected an integer, found a string",
            ),
            (r#"{"mediaType":2}"#.to_owned(), "mediaType: expected a string, found a number"),
            (r#"{"artifactType":2}"#.to_owned(), "artifactType: expected a string, found a number"),
            (r#"{"annotations":[]}"#.to_owned(), "annotations: expected an object, found a list"),
            (
                format!(r#"{{{good},"subject":{{"platform":{{"os":1}}}}}}"#),
                "subject.platform.os: expected a string, found a number",
            ),
        ] {
            let error = manifest(json.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), said, "{json}");
        }
        assert!(manifest(format!(r#"{{{good},"subject":{{"size":-1}}}}"#).as_bytes()).is_ok());
    }
}
