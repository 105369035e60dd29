//! Manifests: a configuration and layers.

use crate::image::Descriptor;
use crate::image::metadata::descriptor::{RawDescriptor, other_field};
use crate::image::metadata::go_json::{Document, JsonError, List};
use crate::image::metadata::media_type::{self, Kind};

/// A configuration and layers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The configuration.
    pub config: Descriptor,
    /// The layers, lowest first.
    pub layers: Vec<Descriptor>,
}

const FIELDS: &[&str] =
    &["schemaVersion", "mediaType", "artifactType", "config", "layers", "subject", "annotations"];

/// Reads a manifest.
///
/// containerd: `json.Unmarshal` into `ocispec.Manifest`, after `images.validateMediaType`.
///
/// # Errors
///
/// An invalid manifest; a configuration or a layer with an invalid digest or size.
pub fn parse(bytes: &[u8]) -> Result<Manifest, JsonError> {
    let document = Document::parse(bytes)?;
    media_type::check(&document, Kind::Manifest)?;
    let mut config = RawDescriptor::default();
    let mut layers = List::<RawDescriptor>::default();
    document.root().fields(FIELDS, |name, value| match name {
        "config" => config.read(value),
        "layers" => value.list(&mut layers, RawDescriptor::read_whole),
        _ => other_field(name, value),
    })?;
    let layers = layers.into_vec().into_iter().map(|layer| Ok(layer.finish()?.0));
    Ok(Manifest {
        config: config.finish().map_err(|error| error.within("config"))?.0,
        layers: layers.collect::<Result<_, _>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::platform::Platform;

    fn digest(digit: char) -> String {
        format!("sha256:{}", String::from(digit).repeat(64))
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
        let found = parse(json.as_bytes()).unwrap();
        assert_eq!((found.config.digest.as_str(), found.config.size), (&*digest('a'), 6));
        assert_eq!(found.config.platform, Some(Platform::new("linux", "arm64", "")));
        let layers: Vec<_> = found.layers.iter().map(|l| (l.digest.as_str(), l.size)).collect();
        assert_eq!(layers, [(&*digest('b'), 3)]);
    }

    #[test]
    fn every_field_has_its_type() {
        let good = format!(r#""config":{{"digest":"{}"}}"#, digest('a'));
        for (json, said) in [
            ("{}".to_owned(), "config.digest: \"\" is not a digest"),
            (r#"{"layers":{}}"#.to_owned(), "layers: expected a list, found an object"),
            (r#"{"layers":[{}]}"#.to_owned(), "layers[0].digest: \"\" is not a digest"),
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
            let error = parse(json.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), said, "{json}");
        }
        assert!(parse(format!(r#"{{{good},"subject":{{"size":-1}}}}"#).as_bytes()).is_ok());
    }
}
