//! How much work the layers of one image may take, and whether it is still wanted.
//!
//! Bytes alone do not bound it: a few kilobytes of links can be walked for hours. Every loop over what a
//! layer holds counts here, so that it also ends soon after its caller is gone.

use crate::domain::limits;
use crate::image::ImageError;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio_util::sync::CancellationToken;

/// The work of reading the layers of one image. All of its layers share it.
#[derive(Debug, Default)]
pub(super) struct Work {
    bytes: AtomicU64,
    names: AtomicU64,
    followed: AtomicU64,
    stop: CancellationToken,
}

/// Why the work ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Overrun {
    /// More bytes than [`limits::IMAGE_BYTES`].
    Bytes,
    /// More names of paths than [`limits::IMAGE_NAMES`].
    Names,
    /// More names of paths behind links than [`limits::IMAGE_LINK_NAMES`].
    Links,
    /// The caller is gone.
    Cancelled,
}

impl Work {
    /// What is cancelled when the caller is gone.
    pub(super) fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Counts bytes of layers, decompressed.
    pub(super) fn read(&self, bytes: usize) -> Result<(), Overrun> {
        self.count(&self.bytes, bytes, limits::IMAGE_BYTES)
            .map_err(|over| over.unwrap_or(Overrun::Bytes))
    }

    /// Counts names of a path that is walked.
    pub(super) fn walk(&self, names: usize) -> Result<(), Overrun> {
        self.count(&self.names, names, limits::IMAGE_NAMES)
            .map_err(|over| over.unwrap_or(Overrun::Names))
    }

    /// Counts names of a path to which a link leads.
    pub(super) fn follow(&self, names: usize) -> Result<(), Overrun> {
        let counted = self.count(&self.followed, names, limits::IMAGE_LINK_NAMES);
        counted.map_err(|over| over.unwrap_or(Overrun::Links))
    }

    fn count(&self, done: &AtomicU64, more: usize, limit: u64) -> Result<(), Option<Overrun>> {
        if self.stop.is_cancelled() {
            return Err(Some(Overrun::Cancelled));
        }
        let before = done.fetch_add(more as u64, Ordering::Relaxed);
        if before + more as u64 > limit { Err(None) } else { Ok(()) }
    }
}

impl From<Overrun> for io::Error {
    fn from(over: Overrun) -> Self {
        let (what, limit, unit) = match over {
            Overrun::Bytes => {
                ("size of the image's decompressed layers", limits::IMAGE_BYTES, "bytes")
            }
            Overrun::Names => {
                ("length of the paths in the image's layers", limits::IMAGE_NAMES, "names")
            }
            Overrun::Links => (
                "length of the paths behind links in the image's layers",
                limits::IMAGE_LINK_NAMES,
                "names",
            ),
            Overrun::Cancelled => return Self::other("the reading of the layer was cancelled"),
        };
        Self::other(ImageError::Limit { what: what.to_owned(), limit, unit })
    }
}
