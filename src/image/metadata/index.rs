//! Indexes: the manifests of an image, each for a platform.

use crate::image::Descriptor;
use crate::image::metadata::descriptor::{RawDescriptor, other_field};
use crate::image::metadata::go_json::{Document, JsonError, List};
use crate::image::metadata::media_type::{self, Kind};
use std::collections::BTreeMap;

/// An entry of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexEntry {
    /// The blob.
    pub descriptor: Descriptor,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
}

const FIELDS: &[&str] =
    &["schemaVersion", "mediaType", "artifactType", "manifests", "subject", "annotations"];

/// Reads an index.
///
/// containerd: `json.Unmarshal` into `ocispec.Index`, after `images.validateMediaType`.
///
/// # Errors
///
/// An invalid index; an entry with an invalid digest or size, also if it is not followed.
pub fn parse(bytes: &[u8]) -> Result<Vec<IndexEntry>, JsonError> {
    let document = Document::parse(bytes)?;
    media_type::check(&document, Kind::Index)?;
    let mut manifests = List::<RawDescriptor>::default();
    document.root().fields(FIELDS, |name, value| match name {
        "manifests" => value.list(&mut manifests, RawDescriptor::read_whole),
        _ => other_field(name, value),
    })?;
    let entry = |raw: RawDescriptor| {
        let (descriptor, annotations) = raw.finish()?;
        Ok(IndexEntry { descriptor, annotations })
    };
    manifests.into_vec().into_iter().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::digest::Digest;
    use crate::image::platform::{OsFeatures, Platform};

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
        let expected = IndexEntry {
            descriptor: Descriptor {
                media_type: "m".to_owned(),
                digest: Digest::parse(&digest('a')).unwrap(),
                size: 5,
                data: Some("hello".into()),
                platform: Some(
                    Platform::new("linux", "arm", "v7")
                        .with_os_features(OsFeatures::new(vec!["f".to_owned()])),
                ),
            },
            annotations: [("a".to_owned(), "b".to_owned())].into(),
        };
        assert_eq!(parse(json.as_bytes()), Ok(vec![expected]));
    }

    #[test]
    fn a_null_platform_is_none() {
        let json = format!(
            r#"{{"manifests":[{{"digest":"{}","platform":{{"os":"linux"}},"platform":null}}]}}"#,
            digest('a')
        );
        assert_eq!(parse(json.as_bytes()).unwrap()[0].descriptor.platform, None);
        assert_eq!(parse(b"{\"manifests\":null}"), Ok(vec![]));
        assert_eq!(parse(b"null"), Ok(vec![]));
    }
}
