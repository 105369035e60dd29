//! Descriptors: references to blobs, in indexes, manifests and stores.

use crate::image::digest::Digest;
use crate::image::platform::Platform;
use bytes::Bytes;

/// A reference to a blob: its type, its digest and its size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    /// The media type that the reference states.
    pub media_type: String,
    /// The digest.
    pub digest: Digest,
    /// The size in bytes.
    pub size: u64,
    /// The bytes, where the descriptor embeds them.
    pub data: Option<Bytes>,
    /// The platform, where an index states one.
    pub platform: Option<Platform>,
}
