//! Reads one layer, from its blob to what it has at the watched paths.
//!
//! Nothing is unpacked: the bytes are decompressed, read and dropped. `apply` decides what the entries do.
//!
//! Invariant: no view is returned before the blob has been read to the end, and so verified.

use crate::domain::ids::Namespace;
use crate::domain::limits;
use crate::image::blob::{self, CHUNK};
use crate::image::digest::Digest;
use crate::image::layers::apply::{Builder, Place, Refusal};
use crate::image::layers::decompress::{Bounded, Windows, decompress, over_limit};
use crate::image::layers::readers::{LayerReaders, Place as ReaderPlace};
use crate::image::layers::tar::{Entries, Kind};
use crate::image::layers::view::{LayerView, Node};
use crate::image::layers::work::Work;
use crate::image::low_priority::run_with_low_priority;
use crate::image::metadata::media_type;
use crate::image::{Descriptor, ImageError};
use crate::paths::RootPath;
use crate::store::{Deadline, ImageStore, SnapshotError, StoreError};
use std::collections::BTreeSet;
use std::io::{self, BufReader, Read};
use std::sync::Arc;

/// Reads the layers of one image.
pub(super) struct Scanner<'a> {
    pub(super) readers: &'a LayerReaders,
    pub(super) store: &'a dyn ImageStore,
    pub(super) namespace: &'a Namespace,
    pub(super) deadline: Deadline,
    /// What all layers of the image take together; its cancellation ends the thread.
    pub(super) work: Arc<Work>,
    /// Kept until the last thread has ended.
    pub(super) place: Arc<ReaderPlace>,
}

impl Scanner<'_> {
    /// Reads a layer.
    ///
    /// A layer with a large zstd window is begun again once such a window is free.
    ///
    /// # Errors
    ///
    /// [`ImageError::LayerUnreadable`] for one that is no tar archive, [`ImageError::Invalid`] for an invalid one,
    /// [`ImageError::Corrupt`] before all others, [`ImageError::Limit`], and the errors of the store.
    pub(super) async fn scan_layer(
        &self,
        layer: &Descriptor,
        watched: BTreeSet<RootPath>,
    ) -> Result<LayerView, ImageError> {
        if !media_type::is_readable_layer(&layer.media_type) {
            let (digest, media_type) = (layer.digest.clone(), layer.media_type.clone());
            let snapshot = SnapshotError::Unsupported;
            return Err(ImageError::LayerUnreadable { digest, media_type, snapshot });
        }
        match self.scan_with(layer, watched.clone(), Windows::Small, None).await? {
            Some(view) => Ok(view),
            None => {
                let window = self.readers.large_window(self.namespace, self.deadline).await?;
                let view = self.scan_with(layer, watched, Windows::Large, Some(window)).await?;
                view.ok_or_else(|| {
                    image_error(Windows::Large.exceeded(&layer.digest), &layer.digest)
                })
            }
        }
    }

    /// Reads a layer in a thread of its own; absent if it needs a larger window.
    async fn scan_with(
        &self,
        layer: &Descriptor,
        watched: BTreeSet<RootPath>,
        windows: Windows,
        window: Option<ReaderPlace>,
    ) -> Result<Option<LayerView>, ImageError> {
        let blob = blob::open(self.store, self.namespace, layer, self.deadline).await?;
        let blob = blob.in_thread(self.work.stop());
        let (work, place) = (Arc::clone(&self.work), Arc::clone(&self.place));
        let digest = layer.digest.clone();
        let reading = run_with_low_priority(move || {
            let _until_it_ends = (place, window);
            read(blob, &digest, watched, windows, &work)
        });
        reading.await.unwrap_or_else(|error| {
            let text = format!("reading of layer {} broke off: {error}", layer.digest);
            Err(ImageError::Store(StoreError::Unavailable(text)))
        })
    }
}

/// Reads a blob to its end, and returns the view only if the blob is valid; absent if the layer needs a larger
/// window than it may have.
fn read(
    blob: impl Read,
    digest: &Digest,
    watched: BTreeSet<RootPath>,
    windows: Windows,
    work: &Arc<Work>,
) -> Result<Option<LayerView>, ImageError> {
    let mut blob = FirstError { inner: blob, failed: None };
    let outcome = decompress(&mut blob, digest, windows).and_then(|tar| {
        let tar = Bounded::new(tar, limits::LAYER_BYTES, digest, Arc::clone(work));
        read_archive(tar, digest, watched, work)
    });
    if windows == Windows::Small && outcome.as_ref().is_err_and(Windows::is_exceeded) {
        return Ok(None);
    }
    // A layer that cannot be read may be a corrupt blob: that is known once the rest of it has been read.
    let drained = io::copy(&mut blob, &mut io::sink());
    match (blob.failed, drained) {
        (Some(error), _) | (None, Err(error)) => Err(blob::broken_off(error)),
        (None, Ok(_)) => outcome.map(Some).map_err(|error| image_error(error, digest)),
    }
}

/// A reader that keeps its first error, since a decompressor may replace it by its own.
struct FirstError<R> {
    inner: R,
    failed: Option<io::Error>,
}

impl<R: Read> Read for FirstError<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let gone = || io::Error::other("the blob broke off");
        if self.failed.is_some() {
            return Err(gone());
        }
        match self.inner.read(buf) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                self.failed = Some(error);
                Err(gone())
            }
            other => other,
        }
    }
}

/// Applies all entries of an archive, and reads the stream to its end.
fn read_archive(
    archive: impl Read,
    digest: &Digest,
    watched: BTreeSet<RootPath>,
    work: &Arc<Work>,
) -> io::Result<LayerView> {
    let refused = |refusal| match refusal {
        Refusal::Malformed(reason) => io::Error::other(reason),
        Refusal::Links => {
            over_limit(format!("links of layer {digest}"), limits::LAYER_LINK_BYTES as u64)
        }
        Refusal::Work(overrun) => overrun.into(),
    };
    let mut entries = Entries::new(BufReader::with_capacity(CHUNK, archive));
    let mut builder = Builder::counted(watched, Arc::clone(work));
    while let Some(entry) = entries.next()? {
        let Place::At(path) = builder.place(&entry.name).map_err(refused)? else { continue };
        let node = match entry.kind {
            Kind::HardLink => {
                builder.put_link(&path, &entry.link).map_err(refused)?;
                continue;
            }
            Kind::Regular if builder.is_watched(&path) => {
                Node::File(entries.content(&entry, limits::ACCOUNT_FILE_BYTES)?)
            }
            Kind::Regular => Node::Special("a regular file"),
            Kind::Directory => Node::Directory,
            Kind::Symlink => Node::Symlink(entry.link),
            Kind::CharacterDevice => Node::Special("a character device"),
            Kind::BlockDevice => Node::Special("a block device"),
            Kind::Fifo => Node::Special("a fifo"),
            Kind::Unknown => Node::Special("an entry of an unknown kind"),
        };
        builder.put(&path, node).map_err(refused)?;
    }
    io::copy(&mut entries.into_inner(), &mut io::sink())?;
    Ok(builder.finish())
}

/// The image error of an error above the blob.
fn image_error(error: io::Error, digest: &Digest) -> ImageError {
    let reason = error.to_string();
    match error.into_inner().map(|inner| inner.downcast::<ImageError>()) {
        Some(Ok(inner)) => *inner,
        _ => ImageError::Invalid { digest: digest.clone(), reason },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_may_be_as_long_as_the_limit_and_not_longer() {
        let digest = Digest::parse(&format!("sha256:{}", "0".repeat(64))).unwrap();
        let read = |length| {
            let zeros = io::repeat(0).take(length);
            io::copy(&mut Bounded::new(zeros, 10_000, &digest, Arc::default()), &mut io::sink())
        };
        assert_eq!(read(10_000).unwrap(), 10_000);
        let error = image_error(read(10_001).unwrap_err(), &digest);
        assert!(matches!(error, ImageError::Limit { limit: 10_000, .. }), "{error}");
    }
}
