//! A source over a map, which notes what was opened.

use async_trait::async_trait;
use sha2::Digest as _;
use specd::domain::ids::Namespace;
use specd::image::digest::Digest;
use specd::image::layers::{LayerReaders, read_from_layers};
use specd::image::reference::ImageName;
use specd::image::{AccountFiles, Descriptor, ImageError, NeededFiles};
use specd::store::{BlobStream, Deadline, ImageStore, Resolved, StoreError};
use std::collections::HashMap;
use std::io::Cursor;
use std::sync::{Arc, Mutex};

pub(crate) const TAR: &str = "application/vnd.oci.image.layer.v1.tar";
pub(crate) const GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
pub(crate) const ZSTD: &str = "application/vnd.oci.image.layer.v1.tar+zstd";

/// Blobs by digest, and the digests that were opened, in order.
#[derive(Default)]
pub(crate) struct Store {
    pub(crate) blobs: HashMap<Digest, Vec<u8>>,
    pub(crate) opened: Mutex<Vec<Digest>>,
}

#[async_trait]
impl ImageStore for Store {
    async fn resolve(
        &self,
        _: &Namespace,
        _: &ImageName,
        _: Deadline,
    ) -> Result<Resolved, StoreError> {
        Err(StoreError::ImageNotFound { tried: Vec::new(), hint: String::new() })
    }

    async fn open(
        &self,
        _: &Namespace,
        blob: &Descriptor,
        _: Deadline,
    ) -> Result<BlobStream, StoreError> {
        self.opened.lock().unwrap().push(blob.digest.clone());
        let absent = || StoreError::BlobAbsent { digest: blob.digest.clone() };
        let bytes = self.blobs.get(&blob.digest).ok_or_else(absent)?;
        Ok(Box::pin(Cursor::new(bytes.clone())))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// An image: its blobs, and its layers with the lowest first.
#[derive(Default)]
pub(crate) struct Image {
    pub(crate) store: Store,
    pub(crate) layers: Vec<Descriptor>,
}

pub(crate) fn descriptor(media_type: &str, bytes: &[u8]) -> Descriptor {
    let digest = format!("sha256:{}", hex::encode(sha2::Sha256::digest(bytes)));
    Descriptor {
        media_type: media_type.to_owned(),
        digest: Digest::parse(&digest).unwrap(),
        size: bytes.len() as u64,
        data: None,
        platform: None,
    }
}

impl Image {
    /// Lays one more layer on top.
    pub(crate) fn layer(mut self, media_type: &str, bytes: Vec<u8>) -> Self {
        let layer = descriptor(media_type, &bytes);
        self.store.blobs.insert(layer.digest.clone(), bytes);
        self.layers.push(layer);
        self
    }

    pub(crate) fn tar(self, tar: crate::support::archive::Tar) -> Self {
        self.layer(TAR, tar.end())
    }

    /// Reads both files.
    pub(crate) fn read(self) -> Result<AccountFiles, ImageError> {
        self.read_noting(NeededFiles { passwd: true, group: true }).0
    }

    /// What `/etc/passwd` holds.
    pub(crate) fn passwd(self) -> Result<Option<String>, ImageError> {
        let (files, _) = self.read_noting(NeededFiles { passwd: true, group: false });
        Ok(files?.passwd.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap()))
    }

    /// Reads, and tells the positions of the layers that were opened: 0 is the lowest.
    pub(crate) fn read_noting(
        self,
        needed: NeededFiles,
    ) -> (Result<AccountFiles, ImageError>, Vec<usize>) {
        let (store, layers) = (Arc::new(self.store), self.layers);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let namespace = namespace();
        let readers = LayerReaders::default();
        let files =
            read_from_layers(&readers, &*store, &namespace, &layers, needed, Deadline::NONE);
        let files = runtime.block_on(files);
        let place = |digest: &Digest| layers.iter().position(|l| l.digest == *digest).unwrap();
        let opened = store.opened.lock().unwrap().iter().map(place).collect();
        (files, opened)
    }
}

pub(crate) fn namespace() -> Namespace {
    Namespace::parse("default").unwrap()
}
