//! One layer, from its blob to what it says of the watched paths.
//!
//! Nothing is unpacked: the bytes are decompressed, looked at and dropped. What the entries do is
//! `apply`'s.
//!
//! Invariant: nothing that a layer says is believed before its blob has been read to the end, and so
//! verified.

use crate::domain::ids::Namespace;
use crate::domain::limits;
use crate::image::blob::{self, Verified};
use crate::image::digest::Digest;
use crate::image::layers::apply::{Builder, Place, Refusal};
use crate::image::layers::tar::{Entries, Kind};
use crate::image::layers::view::{LayerView, Node};
use crate::image::{Descriptor, ImageError};
use crate::paths::RootPath;
use crate::store::{Deadline, ImageStore, StoreError};
use std::collections::BTreeSet;
use std::io::{self, BufReader, Read};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, ReadBuf};
use tokio_util::io::SyncIoBridge;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// How much of the blob is read at once.
const CHUNK: usize = 128 << 10;

/// The largest window of a zstd frame, as a power of two: 128 MiB, what `zstd -d` takes at most.
const ZSTD_WINDOW_LOG: u32 = 27;

/// What zstd says of a larger window.
const ZSTD_WINDOW_ERROR: &str = "Frame requires too much memory for decoding";

/// Reads a layer.
///
/// Decompression is work for a thread of its own; it ends with the next read when this is dropped.
///
/// # Errors
///
/// [`ImageError::Invalid`] for what is no layer, [`ImageError::Corrupt`] before all others,
/// [`ImageError::Limit`], and what the source answers.
pub(super) async fn scan_layer(
    store: &dyn ImageStore,
    namespace: &Namespace,
    layer: &Descriptor,
    watched: BTreeSet<RootPath>,
    deadline: Deadline,
) -> Result<LayerView, ImageError> {
    if !is_layer(&layer.media_type) {
        let reason = format!("media type {:?} is no layer that can be read", layer.media_type);
        return Err(ImageError::Invalid { digest: layer.digest.clone(), reason });
    }
    let blob = blob::open(store, namespace, layer, deadline).await?;
    let stop = CancellationToken::new();
    let blob = Stoppable { inner: blob, stopped: Box::pin(stop.clone().cancelled_owned()) };
    let _stop_when_dropped = stop.drop_guard();
    let digest = layer.digest.clone();
    let reading =
        tokio::task::spawn_blocking(move || read(SyncIoBridge::new(blob), &digest, watched));
    reading.await.unwrap_or_else(|error| {
        let text = format!("reading of layer {} broke off: {error}", layer.digest);
        Err(ImageError::Store(StoreError::Unavailable(text)))
    })
}

/// Whether a media type is a layer's. Its compression is not taken from here but from the first bytes,
/// as containerd does: enough writers have been wrong about it.
///
/// containerd: `images.IsLayerType`, `compression.DetectCompression`.
fn is_layer(media_type: &str) -> bool {
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

/// A blob that ends with an error once nobody waits for it, also while its source is silent.
struct Stoppable {
    inner: Verified,
    stopped: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl AsyncRead for Stoppable {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.stopped.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::Error::other("nobody waits for the layer")));
        }
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

/// Reads a blob to its end, and says what the layer holds only where the blob is what it should be.
fn read(
    blob: impl Read,
    digest: &Digest,
    watched: BTreeSet<RootPath>,
) -> Result<LayerView, ImageError> {
    let mut blob = Remembering { inner: blob, failed: None };
    let outcome = decompressed(&mut blob, digest)
        .and_then(|tar| view(Bounded::new(tar, limits::LAYER_BYTES, digest), digest, watched));
    // A layer that cannot be read may be a blob that was altered: only the rest of it can tell.
    let drained = io::copy(&mut blob, &mut io::sink());
    match (blob.failed, drained) {
        (Some(error), _) | (None, Err(error)) => Err(blob::broken_off(error)),
        (None, Ok(_)) => outcome.map_err(|error| explain(error, digest)),
    }
}

/// A reader that remembers why it failed, since a decompressor may put its own error over it.
struct Remembering<R> {
    inner: R,
    failed: Option<io::Error>,
}

impl<R: Read> Read for Remembering<R> {
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

/// The bytes of the archive, by the first bytes of the blob.
fn decompressed<'a>(mut blob: impl Read + 'a, digest: &Digest) -> io::Result<Box<dyn Read + 'a>> {
    let mut magic = Vec::with_capacity(4);
    (&mut blob).take(4).read_to_end(&mut magic)?;
    let kind = magic.clone();
    let blob = BufReader::with_capacity(CHUNK, io::Cursor::new(magic).chain(blob));
    match kind.as_slice() {
        [0x1f, 0x8b, 0x08, _] => Ok(Box::new(flate2::bufread::MultiGzDecoder::new(blob))),
        // A frame, or one that is to be skipped, with which seekable layers begin.
        [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => {
            let mut decoder = zstd::Decoder::with_buffer(blob)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG)?;
            Ok(Box::new(Window { inner: decoder, digest: digest.clone() }))
        }
        _ => Ok(Box::new(blob)),
    }
}

/// A zstd stream whose window is too large, said in our words.
struct Window<R> {
    inner: R,
    digest: Digest,
}

impl<R: Read> Read for Window<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buf).map_err(|error| match error.to_string() {
            text if text == ZSTD_WINDOW_ERROR => {
                let what = format!("zstd window of layer {}", self.digest);
                limit(what, 1 << ZSTD_WINDOW_LOG)
            }
            _ => error,
        })
    }
}

/// A stream that may not be longer than a layer can be.
struct Bounded<R> {
    inner: R,
    left: u64,
    limit: u64,
    digest: Digest,
}

impl<R> Bounded<R> {
    fn new(inner: R, limit: u64, digest: &Digest) -> Self {
        Self { inner, left: limit, limit, digest: digest.clone() }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buf)?;
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => return Err(limit(format!("decompressed layer {}", self.digest), self.limit)),
        }
        Ok(read)
    }
}

/// What the archive says, read to the end of the stream.
fn view(archive: impl Read, digest: &Digest, watched: BTreeSet<RootPath>) -> io::Result<LayerView> {
    let refused = |refusal| match refusal {
        Refusal::Malformed(reason) => io::Error::other(reason),
        Refusal::Links => {
            limit(format!("links of layer {digest}"), limits::LAYER_LINK_BYTES as u64)
        }
    };
    let mut entries = Entries::new(BufReader::with_capacity(CHUNK, archive));
    let mut builder = Builder::new(watched);
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

fn limit(what: String, limit: u64) -> io::Error {
    io::Error::other(ImageError::Limit { what, limit, unit: "bytes" })
}

/// What an error above the blob stands for.
fn explain(error: io::Error, digest: &Digest) -> ImageError {
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
            io::copy(&mut Bounded::new(zeros, 10_000, &digest), &mut io::sink())
        };
        assert_eq!(read(10_000).unwrap(), 10_000);
        let error = explain(read(10_001).unwrap_err(), &digest);
        assert!(matches!(error, ImageError::Limit { limit: 10_000, .. }), "{error}");
    }
}
