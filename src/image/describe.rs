//! Follows a descriptor to the configuration: index, nested index, manifest, configuration.
//!
//! Only one entry of an index is followed, as in containerd: if the best entry is not an image for the
//! platform after all, or is not in the store, the next one is not tried.

use crate::domain::ids::Namespace;
use crate::domain::limits::{
    CONFIGURATION_BYTES, CONFIGURATION_TEXTS, INDEX_DEPTH, INDEX_ENTRIES, LAYERS, METADATA_BYTES,
};
use crate::image::blob::{self, CHUNK};
use crate::image::digest::Digest;
use crate::image::layers::LayerReaders;
use crate::image::low_priority::run_with_low_priority;
use crate::image::metadata::config::{ContainerConfig, ImageConfig};
use crate::image::metadata::go_json::JsonError;
use crate::image::metadata::index::{self, IndexEntry};
use crate::image::metadata::manifest::{self, Manifest};
use crate::image::metadata::media_type::{self, Kind};
use crate::image::metadata::{chain_id, config};
use crate::image::platform::{Matcher, Platform};
use crate::image::reader::layers_digest;
use crate::image::{Description, Descriptor, ImageError};
use crate::store::{Deadline, ImageStore, StoreError};
use std::cmp::Reverse;
use std::collections::HashSet;
use std::io::Read as _;
use tokio::io::AsyncReadExt as _;
use tokio_util::sync::CancellationToken;

/// The annotation that `BuildKit` gives to the attestation of another entry.
const ATTESTATION: &str = "vnd.docker.reference.type";

/// Metadata above this size, in bytes, is parsed beside the async workers.
const LARGE: u64 = 64 << 10;

/// The most platforms that an error lists.
const LISTED: usize = 100;

/// Metadata of one namespace.
pub(super) struct Metadata<'a> {
    pub(super) store: &'a dyn ImageStore,
    pub(super) readers: &'a LayerReaders,
    pub(super) namespace: &'a Namespace,
    pub(super) deadline: Deadline,
}

impl Metadata<'_> {
    /// Describes the image for a platform.
    ///
    /// containerd: `images.Manifest` and `images.Config`, with `platforms.Only`. Unlike containerd, a manifest
    /// without an index is refused if its configuration is for another architecture.
    ///
    /// # Errors
    ///
    /// [`ImageError::PlatformAbsent`] with the platforms that exist, and every error of a blob on the way.
    pub(super) async fn describe(
        &self,
        target: &Descriptor,
        platform: &Platform,
    ) -> Result<Description, ImageError> {
        let matcher = Matcher::only(platform);
        let mut exist = Platforms::default();
        let mut at = target.clone();
        let (mut depth, mut read) = (0, 0);
        while kind(&at)? == Kind::Index {
            depth += 1;
            if depth > INDEX_DEPTH {
                let what = format!("nesting of indexes at {}", at.digest);
                return Err(ImageError::Limit { what, limit: INDEX_DEPTH as u64, unit: "levels" });
            }
            let parse = {
                let matcher = matcher.clone();
                move |digest: &Digest, bytes: &[u8]| parse_index(digest, bytes, &matcher)
            };
            let index = self.read(&at, "index", parse).await?;
            read += index.entries;
            if read > INDEX_ENTRIES {
                let what = format!("number of entries of the indexes down to {}", at.digest);
                let limit = INDEX_ENTRIES as u64;
                return Err(ImageError::Limit { what, limit, unit: "entries" });
            }
            exist.add(&index.platforms.list);
            match index.best {
                Some(descriptor) => at = descriptor,
                None => return Err(exist.without(platform)),
            }
        }
        let manifest = self.read(&at, "manifest", parse_manifest).await?;
        let config = self.read_config(&manifest.config).await?;
        let suits = match (&at.platform, depth) {
            (_, 0) => unstated(&config.platform) || matcher.has_architecture(&config.platform),
            (Some(_), _) => true,
            (None, _) => matcher.rank(&config.platform).is_some(),
        };
        if !suits {
            exist.add([&config.platform]);
            return Err(exist.without(platform));
        }
        check_layers(&at.digest, &manifest, &config)?;
        Ok(Description {
            manifest_digest: at.digest,
            config_digest: manifest.config.digest,
            chain_id: chain_id::compute(&config.diff_ids),
            config,
            layers_digest: layers_digest(&manifest.layers),
            layers: manifest.layers,
        })
    }

    async fn read_config(&self, config: &Descriptor) -> Result<ImageConfig, ImageError> {
        if !media_type::is_config(&config.media_type) {
            let reason = format!("unknown image config media type {:?}", config.media_type);
            return Err(ImageError::Invalid { digest: config.digest.clone(), reason });
        }
        self.read(config, "configuration", parse_config).await
    }

    /// Reads and parses a blob. Large ones are read and parsed beside the async workers, few at a time, and what is not needed of
    /// them is dropped there: memory that another thread frees stays with the thread that has allocated it.
    async fn read<T: Send + 'static>(
        &self,
        blob: &Descriptor,
        what: &str,
        parse: impl FnOnce(&Digest, &[u8]) -> Result<T, ImageError> + Send + 'static,
    ) -> Result<T, ImageError> {
        let Self { store, namespace, deadline, .. } = *self;
        if blob.size > METADATA_BYTES {
            let (what, limit) = (format!("{what} {}", blob.digest), METADATA_BYTES);
            return Err(ImageError::Limit { what, limit, unit: "bytes" });
        }
        let place = match blob.size {
            ..=LARGE => None,
            // Before the bytes are in memory, and until they are parsed, also if the caller is gone.
            _ => Some(self.readers.metadata(namespace, deadline).await?),
        };
        let mut opened = blob::open(store, namespace, blob, deadline).await?;
        let size = usize::try_from(blob.size).unwrap_or_default();
        let Some(place) = place else {
            let mut bytes = Vec::with_capacity(size);
            opened.read_to_end(&mut bytes).await.map_err(blob::broken_off)?;
            return parse(&blob.digest, &bytes);
        };
        let digest = blob.digest.clone();
        let stop = CancellationToken::new();
        let mut opened = opened.in_thread(&stop);
        let _stop_when_dropped = stop.drop_guard();
        let parsing = run_with_low_priority(move || {
            let _until_it_ends = place;
            let mut bytes = Vec::with_capacity(size);
            // In pieces, since a file has a buffer for each, which another thread allocates.
            let mut read = || {
                let piece = (&mut opened).take(CHUNK as u64).read_to_end(&mut bytes);
                piece.map_err(blob::broken_off)
            };
            while read()? > 0 {}
            parse(&digest, &bytes)
        });
        parsing.await.map_err(|error| {
            let text = format!("parsing of {what} {} broke off: {error}", blob.digest);
            ImageError::Store(StoreError::Unavailable(text))
        })?
    }
}

fn kind(blob: &Descriptor) -> Result<Kind, ImageError> {
    Kind::from_media_type(&blob.media_type).ok_or_else(|| {
        let reason =
            format!("media type {:?} is neither an index's nor a manifest's", blob.media_type);
        ImageError::Invalid { digest: blob.digest.clone(), reason }
    })
}

fn invalid(digest: &Digest) -> impl FnOnce(JsonError) -> ImageError {
    |error| ImageError::Invalid { digest: digest.clone(), reason: error.to_string() }
}

/// What is needed of an index.
struct Index {
    /// How many entries it has.
    entries: usize,
    /// The platforms of its images.
    platforms: Platforms,
    /// The entry to follow.
    best: Option<Descriptor>,
}

fn parse_index(digest: &Digest, bytes: &[u8], matcher: &Matcher) -> Result<Index, ImageError> {
    let mut images = index::parse(bytes).map_err(invalid(digest))?;
    let entries = images.len();
    images.retain(is_image);
    let mut platforms = Platforms::default();
    platforms.add(images.iter().filter_map(|entry| entry.descriptor.platform.as_ref()));
    Ok(Index { entries, platforms, best: best(images, matcher) })
}

fn parse_manifest(digest: &Digest, bytes: &[u8]) -> Result<Manifest, ImageError> {
    let mut manifest = manifest::parse(bytes).map_err(invalid(digest))?;
    // containerd neither counts nor applies the other blobs.
    manifest.layers.retain(|layer| media_type::is_layer(&layer.media_type));
    Ok(manifest)
}

fn parse_config(digest: &Digest, bytes: &[u8]) -> Result<ImageConfig, ImageError> {
    let parsed = config::parse(bytes).map_err(invalid(digest))?;
    if parsed.platform.is_unknown() {
        let platform = &parsed.platform;
        let reason = format!("is that of an attestation for {platform}, not of an image");
        return Err(ImageError::Invalid { digest: digest.clone(), reason });
    }
    check_texts(digest, &parsed)?;
    Ok(parsed)
}

fn is_image(entry: &IndexEntry) -> bool {
    let unknown = entry.descriptor.platform.as_ref().is_some_and(Platform::is_unknown);
    !unknown && !entry.annotations.contains_key(ATTESTATION)
}

/// The platforms that an image has, each once, in the order of its indexes.
#[derive(Default)]
struct Platforms {
    seen: HashSet<Platform>,
    list: Vec<Platform>,
}

impl Platforms {
    fn add<'a>(&mut self, platforms: impl IntoIterator<Item = &'a Platform>) {
        for platform in platforms {
            if self.list.len() < LISTED && !self.seen.contains(platform) {
                self.seen.insert(platform.clone());
                self.list.push(platform.clone());
            }
        }
    }

    /// The error that the image does not have a platform.
    fn without(self, wanted: &Platform) -> ImageError {
        ImageError::PlatformAbsent { wanted: wanted.clone(), exist: self.list }
    }
}

/// The entry to follow: the first with the best platform, else the first without a platform.
fn best(entries: Vec<IndexEntry>, matcher: &Matcher) -> Option<Descriptor> {
    let rank = |entry: &IndexEntry| match &entry.descriptor.platform {
        Some(platform) => matcher.rank(platform),
        None => Some((usize::MAX, Reverse(0))),
    };
    let ranked = entries.into_iter().filter_map(|entry| Some((rank(&entry)?, entry)));
    ranked.min_by_key(|(rank, _)| *rank).map(|(_, entry)| entry.descriptor)
}

/// Whether a configuration does not state its platform, as many hand-made ones do not.
fn unstated(platform: &Platform) -> bool {
    platform.os.is_empty() || platform.architecture.is_empty()
}

/// Refuses a configuration with too many or too long texts, since every call for the image copies them.
fn check_texts(digest: &Digest, config: &ImageConfig) -> Result<(), ImageError> {
    let texts = || config.container.iter().flat_map(ContainerConfig::texts);
    let (count, bytes) = (texts().count(), texts().map(String::len).sum::<usize>());
    for (found, limit, unit) in
        [(count, CONFIGURATION_TEXTS, "texts"), (bytes, CONFIGURATION_BYTES, "bytes")]
    {
        if found > limit {
            let what = format!("configuration {digest}");
            return Err(ImageError::Limit { what, limit: limit as u64, unit });
        }
    }
    Ok(())
}

/// Refuses a manifest with another number of layers than its configuration has: the chain ID would name
/// the snapshot of another image, and the account files would come from other layers than the container's.
///
/// containerd: the unpacker.
fn check_layers(
    digest: &Digest,
    manifest: &Manifest,
    config: &ImageConfig,
) -> Result<(), ImageError> {
    let (layers, diff_ids) = (manifest.layers.len(), config.diff_ids.len());
    if layers > LAYERS {
        let what = format!("manifest {digest}");
        return Err(ImageError::Limit { what, limit: LAYERS as u64, unit: "layers" });
    }
    if layers != diff_ids {
        let reason = format!("has {layers} layers, and its configuration names {diff_ids}");
        return Err(ImageError::Invalid { digest: digest.clone(), reason });
    }
    Ok(())
}
