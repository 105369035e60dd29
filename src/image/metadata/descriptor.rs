//! Reads the descriptors of an index or a manifest from JSON.

use crate::image::Descriptor;
use crate::image::digest::Digest;
use crate::image::metadata::go_json::{JsonError, List, Value};
use crate::image::platform::{OsFeatures, Platform};
use std::collections::BTreeMap;

/// Checks the type of a field of an index or a manifest that is not needed.
pub(super) fn other_field(name: &str, value: Value<'_>) -> Result<(), JsonError> {
    match name {
        "schemaVersion" => value.integer(&mut 0),
        "subject" => RawDescriptor::default().read(value),
        "annotations" => value.string_map(&mut None),
        _ => value.string(&mut String::new()),
    }
}

/// A descriptor while it is read, not yet checked.
#[derive(Debug, Default)]
pub(super) struct RawDescriptor {
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

impl RawDescriptor {
    pub(super) fn read(&mut self, value: Value<'_>) -> Result<(), JsonError> {
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

    /// Reads an element of a list, and refuses an invalid descriptor at once: a list of nothing but `{}`
    /// would take fifty times the memory of its text.
    pub(super) fn read_whole(&mut self, value: Value<'_>) -> Result<(), JsonError> {
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

    /// The descriptor and its annotations.
    pub(super) fn finish(self) -> Result<(Descriptor, BTreeMap<String, String>), JsonError> {
        let (digest, size) = self.check()?;
        let Self { media_type, data, annotations, platform, .. } = self;
        let data = data.map(Into::into);
        let descriptor = Descriptor { media_type, digest, size, data, platform };
        Ok((descriptor, annotations.unwrap_or_default()))
    }
}

/// Reads a field of a platform. A configuration has these among its own fields.
///
/// # Errors
///
/// A field of the wrong type.
pub(super) fn platform_field(
    into: &mut Platform,
    name: &str,
    value: Value<'_>,
) -> Result<(), JsonError> {
    match name {
        "architecture" => value.string(&mut into.architecture),
        "os" => value.string(&mut into.os),
        "variant" => value.string(&mut into.variant),
        "os.features" => {
            let mut features = List::default();
            value.strings(&mut features)?;
            into.os_features = OsFeatures::new(features.into_vec());
            Ok(())
        }
        _ => value.string(&mut String::new()),
    }
}

fn read_platform(into: &mut Platform, value: Value<'_>) -> Result<(), JsonError> {
    value.fields(PLATFORM, |name, value| platform_field(into, name, value))
}
