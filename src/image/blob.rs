//! Reads blobs: their bytes are counted, hashed and bounded as they pass.
//!
//! Invariant: a reader sees the end of a blob only if its size and digest are those of the descriptor;
//! otherwise the stream ends with [`ImageError::Corrupt`].

use crate::domain::ids::Namespace;
use crate::image::digest::{Algorithm, Digest};
use crate::image::{Descriptor, ImageError};
use crate::store::{BlobStream, Deadline, ImageStore, StoreError};
use bytes::Bytes;
use sha2::Digest as _;
use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, ReadBuf};
use tokio_util::io::SyncIoBridge;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// How much of a blob a thread reads at once, in bytes.
pub(super) const CHUNK: usize = 128 << 10;

/// Computes a digest, of each algorithm.
enum Hasher {
    Sha256(sha2::Sha256),
    Sha384(sha2::Sha384),
    Sha512(sha2::Sha512),
}

impl Hasher {
    fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Sha256 => Self::Sha256(sha2::Sha256::new()),
            Algorithm::Sha384 => Self::Sha384(sha2::Sha384::new()),
            Algorithm::Sha512 => Self::Sha512(sha2::Sha512::new()),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Sha384(hasher) => hasher.update(bytes),
            Self::Sha512(hasher) => hasher.update(bytes),
        }
    }

    fn finish(&self) -> String {
        match self {
            Self::Sha256(hasher) => format!("sha256:{}", hex::encode(hasher.clone().finalize())),
            Self::Sha384(hasher) => format!("sha384:{}", hex::encode(hasher.clone().finalize())),
            Self::Sha512(hasher) => format!("sha512:{}", hex::encode(hasher.clone().finalize())),
        }
    }
}

/// A stream of a blob's bytes that is verified at its end.
pub struct Verified {
    inner: BlobStream,
    digest: Digest,
    size: u64,
    seen: u64,
    hasher: Hasher,
}

impl Verified {
    fn new(inner: BlobStream, blob: &Descriptor) -> Self {
        Self {
            inner,
            digest: blob.digest.clone(),
            size: blob.size,
            seen: 0,
            hasher: Hasher::new(blob.digest.algorithm()),
        }
    }

    fn corrupt(&self, expected: String, found: String) -> io::Error {
        let digest = self.digest.clone();
        io::Error::other(ImageError::Corrupt { digest, expected, found })
    }

    fn check_end(&self) -> io::Result<()> {
        if self.seen != self.size {
            let (expected, found) = (bytes(self.size), bytes(self.seen));
            return Err(self.corrupt(expected, found));
        }
        let found = self.hasher.finish();
        if found != self.digest.as_str() {
            return Err(self.corrupt(self.digest.to_string(), found));
        }
        Ok(())
    }
}

fn bytes(count: u64) -> String {
    format!("{count} bytes")
}

impl Verified {
    /// A reader of the blob for a thread outside of the runtime, until `stop` is cancelled.
    pub(super) fn in_thread(self, stop: &CancellationToken) -> impl Read + Send + use<> {
        let stopped = Box::pin(stop.clone().cancelled_owned());
        SyncIoBridge::new(Stoppable { inner: self, stopped })
    }
}

/// A blob that ends with an error once its reader is dropped, also while the store sends nothing.
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
            return Poll::Ready(Err(io::Error::other("the reading of the blob was cancelled")));
        }
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl AsyncRead for Verified {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        ready!(self.inner.as_mut().poll_read(cx, buf))?;
        let fresh = &buf.filled()[before..];
        if fresh.is_empty() {
            return Poll::Ready(self.check_end());
        }
        self.hasher.update(fresh);
        self.seen += fresh.len() as u64;
        if self.seen > self.size {
            let (expected, found) = (bytes(self.size), format!("at least {}", bytes(self.seen)));
            return Poll::Ready(Err(self.corrupt(expected, found)));
        }
        Poll::Ready(Ok(()))
    }
}

/// Opens a blob: the bytes embedded in the descriptor if they have its digest, else those in the store.
///
/// containerd: `content.ReadBlob`.
///
/// # Errors
///
/// A [`StoreError`].
pub async fn open(
    store: &dyn ImageStore,
    namespace: &Namespace,
    blob: &Descriptor,
    deadline: Deadline,
) -> Result<Verified, ImageError> {
    let stream = match embedded(blob) {
        Some(data) => Box::pin(io::Cursor::new(data)),
        None => store.open(namespace, blob, deadline).await?,
    };
    Ok(Verified::new(stream, blob))
}

/// The embedded bytes of a descriptor, if they have its size and digest.
fn embedded(blob: &Descriptor) -> Option<Bytes> {
    let data = blob.data.as_ref()?;
    let mut hasher = Hasher::new(blob.digest.algorithm());
    hasher.update(data);
    let fits = data.len() as u64 == blob.size && hasher.finish() == blob.digest.as_str();
    fits.then(|| data.clone())
}

/// The image error inside an error of a blob's stream; otherwise a connection that broke off.
#[must_use]
pub fn broken_off(error: io::Error) -> ImageError {
    let text = error.to_string();
    let Some(inner) = error.into_inner() else {
        return ImageError::Store(StoreError::Unavailable(text));
    };
    match inner.downcast::<ImageError>() {
        Ok(inner) => *inner,
        Err(other) => match other.downcast::<StoreError>() {
            Ok(inner) => ImageError::Store(*inner),
            Err(_) => ImageError::Store(StoreError::Unavailable(text)),
        },
    }
}
