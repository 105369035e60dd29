//! Media types: what a blob claims to be, in OCI's words or in Docker's.

use crate::image::metadata::go_json::{Document, JsonError};

/// The media type of an OCI index.
pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// The media type of a Docker manifest list.
pub const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
/// The media type of an OCI manifest.
pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// The media type of a Docker manifest, schema 2.
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// The media type of an OCI configuration.
pub const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// The media type of a Docker configuration.
pub const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";

/// What the target of an image, or an entry of an index, can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A list of manifests and of other indexes.
    Index,
    /// A configuration and layers.
    Manifest,
}

impl Kind {
    /// The kind of a media type; absent if it is neither.
    ///
    /// containerd: `images.IsIndexType` and `images.IsManifestType`.
    #[must_use]
    pub fn from_media_type(media_type: &str) -> Option<Self> {
        match media_type {
            OCI_INDEX | DOCKER_INDEX => Some(Self::Index),
            OCI_MANIFEST | DOCKER_MANIFEST => Some(Self::Manifest),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Index => "an index",
            Self::Manifest => "a manifest",
        }
    }
}

/// Whether a media type is that of a configuration that says how to run an image.
///
/// containerd: `images.IsConfigType`.
#[must_use]
pub fn is_config(media_type: &str) -> bool {
    matches!(media_type, OCI_CONFIG | DOCKER_CONFIG)
}

/// Whether a media type is that of a layer, which counts among those of an image. Other blobs beside the layers
/// are no part of the root file system.
///
/// containerd: `images.IsLayerType`.
#[must_use]
pub fn is_layer(media_type: &str) -> bool {
    const OTHERS: [&str; 6] = [
        "application/vnd.docker.image.rootfs.diff.tar",
        "application/vnd.docker.image.rootfs.diff.tar.gzip",
        "application/vnd.docker.image.rootfs.diff.tar.zstd",
        "application/vnd.docker.image.rootfs.foreign.diff.tar",
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        "application/vnd.erofs.layer.v1",
    ];
    let base = media_type.split('+').next().unwrap_or_default();
    media_type.starts_with("application/vnd.oci.image.layer.") || OTHERS.contains(&base)
}

/// Whether a layer of this media type is a tar archive that can be read from its blob. Encrypted layers and
/// those of lazy or block-based snapshotters cannot.
///
/// The compression is not taken from it but from the layer's first bytes, as in containerd: some writers
/// state the wrong one.
///
/// containerd: `compression.DetectCompression`.
#[must_use]
pub fn is_readable_layer(media_type: &str) -> bool {
    const OCI: [&str; 2] = [
        "application/vnd.oci.image.layer.v1.tar",
        "application/vnd.oci.image.layer.nondistributable.v1.tar",
    ];
    const DOCKER: [&str; 2] = [
        "application/vnd.docker.image.rootfs.diff.tar",
        "application/vnd.docker.image.rootfs.foreign.diff.tar",
    ];
    let compressed = |names: [&str; 2], endings: [&str; 3]| {
        let rest = names.into_iter().find_map(|name| media_type.strip_prefix(name));
        rest.is_some_and(|rest| endings.contains(&rest))
    };
    compressed(OCI, ["", "+gzip", "+zstd"]) || compressed(DOCKER, ["", ".gzip", ".zstd"])
}

/// Refuses a blob that can be read as something else than its descriptor says.
///
/// A blob that is an index to one reader and a manifest to another hides an image from a scanner
/// (CVE-2021-41190), so even a `null` key of the other kind is refused.
///
/// containerd: `images.validateMediaType`.
///
/// # Errors
///
/// A schema 1 manifest, an index instead of a manifest, a manifest instead of an index.
pub fn check(document: &Document<'_>, expected: Kind) -> Result<(), JsonError> {
    let mut own = String::new();
    let (mut manifests, mut config_or_layers, mut fs_layers) = (false, false, false);
    let names = &["mediaType", "config", "layers", "manifests", "fsLayers"];
    document.root().fields(names, |name, value| {
        match name {
            "mediaType" => value.string(&mut own)?,
            "manifests" => manifests = true,
            "fsLayers" => fs_layers = true,
            _ => config_or_layers = true,
        }
        Ok(())
    })?;
    if fs_layers {
        return Err(JsonError::new("is a schema 1 manifest, which is not supported"));
    }
    let (keys_of_other, other) = match expected {
        Kind::Index => (config_or_layers, Kind::Manifest),
        Kind::Manifest => (manifests, Kind::Index),
    };
    if keys_of_other || Kind::from_media_type(&own) == Some(other) {
        let (expected, other) = (expected.name(), other.name());
        return Err(JsonError::new(format!("is described as {expected} and reads as {other}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, kind: Kind) -> Result<(), String> {
        let document = Document::parse(json.as_bytes()).unwrap();
        super::check(&document, kind).map_err(|error| error.to_string())
    }

    #[test]
    fn each_is_taken_for_what_it_is() {
        assert_eq!(check(r#"{"manifests":[]}"#, Kind::Index), Ok(()));
        assert_eq!(check(r#"{"config":{},"layers":[]}"#, Kind::Manifest), Ok(()));
        assert_eq!(check("{}", Kind::Manifest), Ok(()));
        let own = format!(r#"{{"mediaType":"{DOCKER_MANIFEST}"}}"#);
        assert_eq!(check(&own, Kind::Manifest), Ok(()));
        assert_eq!(check(r#"{"mediaType":"text/plain"}"#, Kind::Manifest), Ok(()));
    }

    #[test]
    fn none_is_taken_for_the_other() {
        let manifest = "is described as a manifest and reads as an index";
        let index = "is described as an index and reads as a manifest";
        let own_index = format!(r#"{{"mediaType":"{DOCKER_INDEX}"}}"#);
        let own_manifest = format!(r#"{{"MEDIATYPE":"{OCI_MANIFEST}"}}"#);
        for (json, kind, reason) in [
            (r#"{"manifests":[]}"#, Kind::Manifest, manifest),
            (r#"{"Manifests":null}"#, Kind::Manifest, manifest),
            (r#"{"layers":[]}"#, Kind::Index, index),
            (r#"{"config":null}"#, Kind::Index, index),
            (&own_index, Kind::Manifest, manifest),
            (&own_manifest, Kind::Index, index),
        ] {
            assert_eq!(check(json, kind), Err(reason.to_owned()), "{json}");
        }
        let schema1 = "is a schema 1 manifest, which is not supported";
        for kind in [Kind::Index, Kind::Manifest] {
            assert_eq!(check(r#"{"fsLayers":[]}"#, kind), Err(schema1.to_owned()));
            assert_eq!(check(r#"{"ſS\u004cayers":0,"fſlayerS":0}"#, kind), Err(schema1.to_owned()));
        }
    }

    #[test]
    fn layers_are_those_of_containerd() {
        for (media_type, layer, readable) in [
            ("application/vnd.oci.image.layer.v1.tar+gzip", true, true),
            ("application/vnd.docker.image.rootfs.diff.tar.zstd", true, true),
            ("application/vnd.oci.image.layer.nydus.blob.v1", true, false),
            ("application/vnd.oci.image.layer.v1.tar+gzip+encrypted", true, false),
            ("application/vnd.oci.image.layer.v1.tar+lz4", true, false),
            ("application/vnd.docker.image.rootfs.diff.tar.gzip+encrypted", true, false),
            ("application/vnd.erofs.layer.v1+erofs", true, false),
            ("application/wasm", false, false),
            ("application/vnd.in-toto+json", false, false),
            ("application/vnd.oci.empty.v1+json", false, false),
            ("application/vnd.cncf.helm.chart.content.v1.tar+gzip", false, false),
            ("", false, false),
        ] {
            let found = (is_layer(media_type), is_readable_layer(media_type));
            assert_eq!(found, (layer, readable), "{media_type}");
        }
    }
}
