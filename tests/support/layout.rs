//! A builder of OCI image layouts: real directories, as a tool would write them, or broken on purpose.
//!
//! ```ignore
//! let mut layout = Layout::temp();
//! let base = layout.layer(Gzip, &[dir("etc"), file("etc/passwd", "root:x:0:0::/:/bin/sh\n")]);
//! let image = layout.image(json!({"config": {"User": "root"}}), &[base]);
//! layout.tag("docker.io/library/app:1", &image.manifest);
//! let source = layout.source();
//! layout.remove(&image.config);
//! ```

#![allow(dead_code, reason = "it can write every layout, and each test binary writes some")]

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use specd::image::Descriptor;
use specd::image::digest::Digest;
use specd::image::metadata::media_type::{
    DOCKER_CONFIG, DOCKER_INDEX, DOCKER_MANIFEST, OCI_CONFIG, OCI_INDEX, OCI_MANIFEST,
};
use specd::image::platform::Platform;
use specd::store::oci_layout::OciLayout;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub(crate) use Compression::{Gzip, Plain, Zstd};

/// The name of an image, where no other is given.
pub(crate) const IMAGE: &str = "registry.example/app:1";

/// How a layer is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    Plain,
    Gzip,
    Zstd,
}

/// Which media types are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Words {
    Oci,
    Docker,
}

/// A blob of the layout, and all that a descriptor may say of it.
#[derive(Debug, Clone)]
pub(crate) struct Blob {
    pub(crate) media_type: String,
    pub(crate) digest: String,
    pub(crate) size: u64,
    pub(crate) platform: Option<String>,
    pub(crate) annotations: Map<String, Value>,
    pub(crate) data: Option<Vec<u8>>,
}

impl Blob {
    /// States a platform, for example `linux/arm64/v8` or `linux(+erofs)/amd64`.
    pub(crate) fn platform(mut self, platform: &str) -> Self {
        self.platform = Some(platform.to_owned());
        self
    }

    pub(crate) fn annotation(mut self, key: &str, value: &str) -> Self {
        self.annotations.insert(key.to_owned(), value.into());
        self
    }

    /// Marks an entry as `BuildKit` marks its attestations.
    pub(crate) fn attestation(self) -> Self {
        self.platform("unknown/unknown")
            .annotation("vnd.docker.reference.type", "attestation-manifest")
    }

    pub(crate) fn media_type(mut self, media_type: &str) -> Self {
        self.media_type = media_type.to_owned();
        self
    }

    /// Embeds bytes into the descriptor.
    pub(crate) fn embed(mut self, data: &[u8]) -> Self {
        self.data = Some(data.to_vec());
        self
    }

    /// The descriptor as JSON.
    pub(crate) fn json(&self) -> Value {
        let mut json = json!({
            "mediaType": self.media_type,
            "digest": self.digest,
            "size": self.size,
        });
        if let Some(platform) = &self.platform {
            let mut parts = platform.split('/');
            let os = parts.next().unwrap();
            let (os, features) = os.split_once("(+").unwrap_or((os, ""));
            json["platform"] = json!({"os": os, "architecture": parts.next()});
            if let Some(features) = features.strip_suffix(')') {
                json["platform"]["os.features"] = features.split('+').collect();
            }
            if let Some(variant) = parts.next() {
                json["platform"]["variant"] = variant.into();
            }
        }
        if !self.annotations.is_empty() {
            json["annotations"] = self.annotations.clone().into();
        }
        if let Some(data) = &self.data {
            use base64::Engine as _;
            json["data"] = base64::engine::general_purpose::STANDARD.encode(data).into();
        }
        json
    }

    /// The descriptor as the library has it, with neither platform nor data: as a name points to it.
    pub(crate) fn descriptor(&self) -> Descriptor {
        Descriptor {
            media_type: self.media_type.clone(),
            digest: self.parsed_digest(),
            size: self.size,
            data: None,
            platform: None::<Platform>,
        }
    }

    pub(crate) fn parsed_digest(&self) -> Digest {
        Digest::parse(&self.digest).unwrap()
    }
}

/// A layer, and the digest of its uncompressed bytes.
#[derive(Debug, Clone)]
pub(crate) struct Layer {
    pub(crate) blob: Blob,
    pub(crate) diff_id: String,
}

/// An image for one platform.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    pub(crate) config: Blob,
    pub(crate) manifest: Blob,
}

/// One entry of a layer's archive.
#[derive(Debug, Clone)]
pub(crate) struct TarEntry {
    path: String,
    kind: tar::EntryType,
    link: String,
    content: Vec<u8>,
    mode: u32,
}

impl TarEntry {
    fn new(path: &str, kind: tar::EntryType, mode: u32) -> Self {
        Self { path: path.to_owned(), kind, link: String::new(), content: Vec::new(), mode }
    }
}

/// A regular file.
pub(crate) fn file(path: &str, content: impl AsRef<[u8]>) -> TarEntry {
    let content = content.as_ref().to_vec();
    TarEntry { content, ..TarEntry::new(path, tar::EntryType::Regular, 0o644) }
}

/// A regular file that can be run.
pub(crate) fn executable(path: &str, content: impl AsRef<[u8]>) -> TarEntry {
    TarEntry { mode: 0o755, ..file(path, content) }
}

/// A directory.
pub(crate) fn dir(path: &str) -> TarEntry {
    TarEntry::new(&format!("{path}/"), tar::EntryType::Directory, 0o755)
}

/// A symbolic link at `path` to `target`.
pub(crate) fn symlink(path: &str, target: &str) -> TarEntry {
    let link = target.to_owned();
    TarEntry { link, ..TarEntry::new(path, tar::EntryType::Symlink, 0o777) }
}

/// A named pipe.
pub(crate) fn fifo(path: &str) -> TarEntry {
    TarEntry::new(path, tar::EntryType::Fifo, 0o644)
}

/// The archive of some entries, with their paths as they are, `..` and `/` included.
pub(crate) fn tar(entries: &[TarEntry]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for entry in entries {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(entry.kind);
        header.set_mode(entry.mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(entry.content.len() as u64);
        let fits = entry.path.len() < 100 && entry.link.len() < 100;
        if fits {
            let old = header.as_old_mut();
            old.name[..entry.path.len()].copy_from_slice(entry.path.as_bytes());
            old.linkname[..entry.link.len()].copy_from_slice(entry.link.as_bytes());
            header.set_cksum();
            builder.append(&header, &*entry.content).unwrap();
        } else if entry.link.is_empty() {
            builder.append_data(&mut header, &entry.path, &*entry.content).unwrap();
        } else {
            builder.append_link(&mut header, &entry.path, &entry.link).unwrap();
        }
    }
    builder.into_inner().unwrap()
}

/// Compresses a layer's archive.
pub(crate) fn compress(compression: Compression, bytes: &[u8]) -> Vec<u8> {
    match compression {
        Plain => bytes.to_vec(),
        Gzip => {
            let mut encoder =
                flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        Zstd => zstd::encode_all(bytes, 1).unwrap(),
    }
}

/// The digest of some bytes.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

/// A layout in a directory.
pub(crate) struct Layout {
    root: PathBuf,
    words: Words,
    tagged: Vec<Blob>,
    _temporary: Option<TempDir>,
}

impl Layout {
    /// Starts an empty layout in a directory that goes with this value.
    pub(crate) fn temp() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let layout = Self::at(temporary.path());
        Self { _temporary: Some(temporary), ..layout }
    }

    /// Starts an empty layout at a path.
    pub(crate) fn at(root: &Path) -> Self {
        fs::create_dir_all(root.join("blobs/sha256")).unwrap();
        fs::write(root.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        let root = root.to_owned();
        let layout = Self { root, words: Words::Oci, tagged: Vec::new(), _temporary: None };
        layout.write_index();
        layout
    }

    /// Writes Docker's media types from here on.
    pub(crate) fn docker(mut self) -> Self {
        self.words = Words::Docker;
        self
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The library's source of this layout.
    pub(crate) fn source(&self) -> OciLayout {
        OciLayout::open(&self.root).unwrap()
    }

    fn word<'a>(&self, oci: &'a str, docker: &'a str) -> &'a str {
        match self.words {
            Words::Oci => oci,
            Words::Docker => docker,
        }
    }

    /// Stores any bytes as a blob.
    pub(crate) fn blob(&self, media_type: &str, bytes: impl AsRef<[u8]>) -> Blob {
        let bytes = bytes.as_ref();
        let blob = Blob {
            media_type: media_type.to_owned(),
            digest: sha256(bytes),
            size: bytes.len() as u64,
            platform: None,
            annotations: Map::new(),
            data: None,
        };
        fs::write(self.path(&blob), bytes).unwrap();
        blob
    }

    /// Stores a layer.
    pub(crate) fn layer(&self, compression: Compression, entries: &[TarEntry]) -> Layer {
        self.raw_layer(compression, &tar(entries))
    }

    /// Stores a layer of any bytes, be they an archive or not.
    pub(crate) fn raw_layer(&self, compression: Compression, archive: &[u8]) -> Layer {
        let media_type = match (self.words, compression) {
            (Words::Oci, Plain) => "application/vnd.oci.image.layer.v1.tar",
            (Words::Oci, Gzip) => "application/vnd.oci.image.layer.v1.tar+gzip",
            (Words::Oci, Zstd) => "application/vnd.oci.image.layer.v1.tar+zstd",
            (Words::Docker, Plain) => "application/vnd.docker.image.rootfs.diff.tar",
            (Words::Docker, Gzip) => "application/vnd.docker.image.rootfs.diff.tar.gzip",
            (Words::Docker, Zstd) => "application/vnd.docker.image.rootfs.diff.tar.zstd",
        };
        let blob = self.blob(media_type, compress(compression, archive));
        Layer { blob, diff_id: sha256(archive) }
    }

    /// Stores a configuration of any bytes.
    pub(crate) fn raw_config(&self, bytes: impl AsRef<[u8]>) -> Blob {
        self.blob(self.word(OCI_CONFIG, DOCKER_CONFIG), bytes)
    }

    /// Stores a manifest.
    pub(crate) fn manifest(&self, config: &Blob, layers: &[Layer]) -> Blob {
        let layers: Vec<_> = layers.iter().map(|layer| layer.blob.json()).collect();
        let media_type = self.word(OCI_MANIFEST, DOCKER_MANIFEST);
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": media_type,
            "config": config.json(),
            "layers": layers,
        });
        self.blob(media_type, manifest.to_string())
    }

    /// Stores a configuration and its manifest. What the configuration lacks of architecture (amd64), os
    /// (linux) and rootfs is filled in.
    pub(crate) fn image(&self, mut config: Value, layers: &[Layer]) -> Image {
        let diff_ids: Vec<_> = layers.iter().map(|layer| layer.diff_id.as_str()).collect();
        let fields = config.as_object_mut().unwrap();
        fields.entry("architecture").or_insert("amd64".into());
        fields.entry("os").or_insert("linux".into());
        fields.entry("rootfs").or_insert(json!({"type": "layers", "diff_ids": diff_ids}));
        self.raw_image(config.to_string(), layers)
    }

    /// Stores a configuration of any bytes and its manifest.
    pub(crate) fn raw_image(&self, config: impl AsRef<[u8]>, layers: &[Layer]) -> Image {
        let config = self.raw_config(config);
        let manifest = self.manifest(&config, layers);
        Image { config, manifest }
    }

    /// Stores an index.
    pub(crate) fn index(&self, entries: &[Blob]) -> Blob {
        let media_type = self.word(OCI_INDEX, DOCKER_INDEX);
        let manifests: Vec<_> = entries.iter().map(Blob::json).collect();
        let index = json!({"schemaVersion": 2, "mediaType": media_type, "manifests": manifests});
        self.blob(media_type, index.to_string())
    }

    /// Gives a blob a name in `index.json`.
    pub(crate) fn tag(&mut self, name: &str, blob: &Blob) {
        self.tag_as("org.opencontainers.image.ref.name", name, blob);
    }

    /// Gives a blob a name by another annotation.
    pub(crate) fn tag_as(&mut self, annotation: &str, name: &str, blob: &Blob) {
        self.tagged.push(blob.clone().annotation(annotation, name));
        self.write_index();
    }

    fn write_index(&self) {
        let manifests: Vec<_> = self.tagged.iter().map(Blob::json).collect();
        let index = json!({"schemaVersion": 2, "manifests": manifests});
        fs::write(self.root.join("index.json"), index.to_string()).unwrap();
    }

    /// Where a blob is.
    pub(crate) fn path(&self, blob: &Blob) -> PathBuf {
        self.root.join("blobs").join(blob.digest.replacen(':', "/", 1))
    }

    /// Takes a blob away.
    pub(crate) fn remove(&self, blob: &Blob) {
        fs::remove_file(self.path(blob)).unwrap();
    }

    /// Leaves only the first bytes of a blob.
    pub(crate) fn truncate(&self, blob: &Blob, length: u64) {
        let file = fs::OpenOptions::new().write(true).open(self.path(blob)).unwrap();
        file.set_len(length).unwrap();
    }

    /// Changes the last byte of a blob.
    pub(crate) fn alter(&self, blob: &Blob) {
        let mut bytes = fs::read(self.path(blob)).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(self.path(blob), bytes).unwrap();
    }
}
