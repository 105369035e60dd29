//! Decompresses the blob of a layer, bounded in memory and length.

use crate::image::ImageError;
use crate::image::blob::CHUNK;
use crate::image::digest::Digest;
use crate::image::layers::readers::SMALL_WINDOW_LOG;
use crate::image::layers::work::Work;
use std::io::{self, BufReader, Read};
use std::sync::Arc;

/// The largest window of a zstd frame, as a power of two: 128 MiB, the limit of `zstd -d`.
const LARGE_WINDOW_LOG: u32 = 27;

/// The error of zstd for a larger window.
const ZSTD_WINDOW_ERROR: &str = "Frame requires too much memory for decoding";

/// Which windows of zstd frames a reader may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Windows {
    /// Those that any number of readers may have.
    Small,
    /// Those that only one reader may have.
    Large,
}

impl Windows {
    fn log(self) -> u32 {
        match self {
            Self::Small => SMALL_WINDOW_LOG,
            Self::Large => LARGE_WINDOW_LOG,
        }
    }

    /// The error of a frame with a larger window.
    pub(super) fn exceeded(self, digest: &Digest) -> io::Error {
        over_limit(format!("{WINDOW} of layer {digest}"), 1 << self.log())
    }

    /// Whether an error is that of a frame with a larger window.
    pub(super) fn is_exceeded(error: &io::Error) -> bool {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
        matches!(inner, Some(ImageError::Limit { what, .. }) if what.starts_with(WINDOW))
    }
}

/// What is over its limit in the error of a window.
const WINDOW: &str = "zstd window";

/// The bytes of the archive; the first bytes of the blob decide how it is compressed.
pub(super) fn decompress<'a>(
    mut blob: impl Read + 'a,
    digest: &Digest,
    windows: Windows,
) -> io::Result<Box<dyn Read + 'a>> {
    let mut magic = Vec::with_capacity(4);
    (&mut blob).take(4).read_to_end(&mut magic)?;
    let kind = magic.clone();
    let blob = BufReader::with_capacity(CHUNK, io::Cursor::new(magic).chain(blob));
    match kind.as_slice() {
        [0x1f, 0x8b, 0x08, _] => Ok(Box::new(flate2::bufread::MultiGzDecoder::new(blob))),
        // A frame, or a skippable one, with which seekable layers begin.
        [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => {
            let mut decoder = zstd::Decoder::with_buffer(blob)?;
            decoder.window_log_max(windows.log())?;
            Ok(Box::new(Window { inner: decoder, digest: digest.clone(), windows }))
        }
        _ => Ok(Box::new(blob)),
    }
}

/// Turns the error of zstd for a too large window into one that names the layer.
struct Window<R> {
    inner: R,
    digest: Digest,
    windows: Windows,
}

impl<R: Read> Read for Window<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buf).map_err(|error| match error.to_string() {
            text if text == ZSTD_WINDOW_ERROR => self.windows.exceeded(&self.digest),
            _ => error,
        })
    }
}

/// A stream that fails if it is longer than a limit, or if the image is too much work.
pub(super) struct Bounded<R> {
    inner: R,
    left: u64,
    limit: u64,
    digest: Digest,
    work: Arc<Work>,
}

impl<R> Bounded<R> {
    pub(super) fn new(inner: R, limit: u64, digest: &Digest, work: Arc<Work>) -> Self {
        Self { inner, left: limit, limit, digest: digest.clone(), work }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buf)?;
        self.work.read(read)?;
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => {
                return Err(over_limit(format!("decompressed layer {}", self.digest), self.limit));
            }
        }
        Ok(read)
    }
}

pub(super) fn over_limit(what: String, limit: u64) -> io::Error {
    io::Error::other(ImageError::Limit { what, limit, unit: "bytes" })
}
