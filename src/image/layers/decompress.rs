//! Decompresses the blob of a layer, bounded in memory and length.

use crate::image::ImageError;
use crate::image::digest::Digest;
use std::io::{self, BufReader, Read};

/// How much of the blob is read at once.
pub(super) const CHUNK: usize = 128 << 10;

/// The largest window of a zstd frame, as a power of two: 128 MiB, the limit of `zstd -d`.
const ZSTD_WINDOW_LOG: u32 = 27;

/// The error of zstd for a larger window.
const ZSTD_WINDOW_ERROR: &str = "Frame requires too much memory for decoding";

/// The bytes of the archive; the first bytes of the blob decide how it is compressed.
pub(super) fn decompress<'a>(
    mut blob: impl Read + 'a,
    digest: &Digest,
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
            decoder.window_log_max(ZSTD_WINDOW_LOG)?;
            Ok(Box::new(Window { inner: decoder, digest: digest.clone() }))
        }
        _ => Ok(Box::new(blob)),
    }
}

/// Turns the error of zstd for a too large window into one that names the layer.
struct Window<R> {
    inner: R,
    digest: Digest,
}

impl<R: Read> Read for Window<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buf).map_err(|error| match error.to_string() {
            text if text == ZSTD_WINDOW_ERROR => {
                let what = format!("zstd window of layer {}", self.digest);
                over_limit(what, 1 << ZSTD_WINDOW_LOG)
            }
            _ => error,
        })
    }
}

/// A stream that fails if it is longer than a limit.
pub(super) struct Bounded<R> {
    inner: R,
    left: u64,
    limit: u64,
    digest: Digest,
}

impl<R> Bounded<R> {
    pub(super) fn new(inner: R, limit: u64, digest: &Digest) -> Self {
        Self { inner, left: limit, limit, digest: digest.clone() }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buf)?;
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
