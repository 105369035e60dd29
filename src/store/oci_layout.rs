//! An OCI image layout: a directory, which `skopeo` and `umoci` write, or a tar archive, which `docker save` and
//! `ctr image export` write.
//!
//! A directory belongs to the operator and is trusted: symbolic links in it are followed. Blobs are
//! not trusted: [`crate::image::blob`] verifies them, as those of any store. An archive is never unpacked: what is needed is
//! read in place.
//!
//! A layout has no namespaces, and gives the same answer in each.

mod error;

pub use error::LayoutError;

use crate::domain::ids::Namespace;
use crate::domain::limits::{LAYOUT_ENTRIES, METADATA_BYTES};
use crate::image::Descriptor;
use crate::image::digest::Digest;
use crate::image::layers::tar;
use crate::image::metadata::go_json::Document;
use crate::image::metadata::index::{self, IndexEntry};
use crate::image::reference::ImageName;
use crate::store::{BlobStream, Deadline, ImageStore, Resolved, StoreError};
use async_trait::async_trait;
use std::fs::{self, File};
use std::io::{self, Read, Seek as _, SeekFrom, Take};
use std::path::{Path, PathBuf};
use tokio::io::AsyncReadExt as _;

const REF_NAME: &str = "org.opencontainers.image.ref.name";
const CONTAINERD_NAME: &str = "io.containerd.image.name";

/// The most images that an error message lists.
const LISTED: usize = 5;

/// Images in an OCI image layout, a directory or an archive.
#[derive(Debug, Clone)]
pub struct OciLayout {
    root: PathBuf,
}

impl OciLayout {
    /// Opens a directory or an archive that is a layout of version 1.0.
    ///
    /// # Errors
    ///
    /// A [`LayoutError`] with a text for the person who gave the path.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, LayoutError> {
        let layout = Self { root: root.into() };
        layout.check()?;
        layout.entries()?;
        Ok(layout)
    }

    fn check(&self) -> Result<(), LayoutError> {
        match fs::metadata(&self.root) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(LayoutError::Absent(self.root.clone()));
            }
            Err(error) => return Err(LayoutError::Unreadable { path: self.root.clone(), error }),
        }
        const FILE: &str = "oci-layout";
        let bytes = self.read(FILE)?;
        let mut version = String::new();
        Document::parse(&bytes)
            .and_then(|document| {
                document
                    .root()
                    .fields(&["imageLayoutVersion"], |_, value| value.string(&mut version))
            })
            .map_err(|error| self.malformed(FILE, error.to_string()))?;
        if version != "1.0" && !version.starts_with("1.0.") {
            let reason = format!("its version is {version:?}, and only 1.0.0 is known");
            return Err(self.malformed(FILE, reason));
        }
        Ok(())
    }

    fn entries(&self) -> Result<Vec<IndexEntry>, LayoutError> {
        const FILE: &str = "index.json";
        let bytes = self.read(FILE)?;
        index::parse(&bytes).map_err(|error| self.malformed(FILE, error.to_string()))
    }

    fn malformed(&self, file: &'static str, reason: String) -> LayoutError {
        LayoutError::Malformed { root: self.root.clone(), file, reason }
    }

    fn read(&self, file: &'static str) -> Result<Vec<u8>, LayoutError> {
        let root = self.root.clone();
        let is_directory = root.is_dir();
        let path = if is_directory { root.join(file) } else { root.clone() };
        let opened = match self.open_member(file) {
            Ok(opened) => opened,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(match fs::metadata(&root) {
                    Ok(found) if found.is_file() && found.len() == 0 => LayoutError::Empty(root),
                    _ if is_directory => LayoutError::FileAbsent { root, file },
                    _ => LayoutError::NoLayoutInArchive { path: root, file },
                });
            }
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                let reason = error.to_string();
                return Err(if reason.starts_with("tar ends") && begins_as_tar(&path) {
                    LayoutError::CutOff { path, reason }
                } else {
                    LayoutError::NotAnArchive { path, reason }
                });
            }
            Err(error) => return Err(LayoutError::Unreadable { path, error }),
        };
        let mut bytes = Vec::new();
        match opened.take(METADATA_BYTES + 1).read_to_end(&mut bytes) {
            Err(error) => Err(LayoutError::Unreadable { path, error }),
            Ok(_) if bytes.len() as u64 > METADATA_BYTES => {
                Err(self.malformed(file, format!("is longer than {METADATA_BYTES} bytes")))
            }
            Ok(_) => Ok(bytes),
        }
    }

    /// What a name points to in the index at this moment.
    fn find(&self, name: &ImageName) -> Result<Resolved, StoreError> {
        let entries = self.entries()?;
        let tried = name.candidates();
        let found = tried.iter().find_map(|candidate| {
            entries.iter().rev().find(|entry| is_named(entry, candidate)).map(|e| (candidate, e))
        });
        match found {
            Some((name, entry)) => {
                Ok(Resolved { name: name.clone(), target: entry.descriptor.clone() })
            }
            None => match only_unnamed(&entries, name) {
                Some(entry) => Ok(Resolved {
                    name: tried.last().cloned().unwrap_or_default(),
                    target: entry.descriptor.clone(),
                }),
                None => Err(StoreError::ImageNotFound { tried, hint: hint(&entries) }),
            },
        }
    }

    fn open_blob(&self, digest: &Digest) -> Result<Take<File>, StoreError> {
        let member = format!("blobs/{}/{}", digest.algorithm().name(), digest.hex());
        self.open_member(&member).map_err(|error| {
            if error.kind() == io::ErrorKind::NotFound {
                return StoreError::BlobAbsent { digest: digest.clone() };
            }
            let path = self.root.join(&member);
            StoreError::Unavailable(format!("cannot read {}: {error}", path.display()))
        })
    }

    /// A file of the layout. Where an archive has it twice, the last one counts, as it would unpacked.
    ///
    /// The archive is indexed each time: that takes less than a millisecond, and the file may be another one by now.
    fn open_member(&self, member: &str) -> io::Result<Take<File>> {
        if self.root.is_dir() {
            return Ok(open_file(&self.root.join(member))?.take(u64::MAX));
        }
        let mut archive = open_file(&self.root)?;
        let files = tar::index(&archive, LAYOUT_ENTRIES)?;
        let is_it = |file: &&tar::Stored| {
            file.name.strip_prefix(b"./").unwrap_or(&file.name) == member.as_bytes()
        };
        let file = files.iter().rev().find(is_it).ok_or(io::ErrorKind::NotFound)?;
        archive.seek(SeekFrom::Start(file.offset))?;
        Ok(archive.take(file.size))
    }
}

/// Whether a file begins with the header of a tar archive.
fn begins_as_tar(path: &Path) -> bool {
    let mut header = [0; 512];
    let read = open_file(path).and_then(|mut file| file.read_exact(&mut header));
    read.is_ok() && header[257..].starts_with(b"ustar")
}

/// Opens a regular file; opening a named pipe would block.
fn open_file(path: &Path) -> io::Result<File> {
    if fs::metadata(path)?.is_file() {
        File::open(path)
    } else {
        Err(io::Error::other("not a regular file"))
    }
}

/// The names that annotations give an entry.
fn names(entry: &IndexEntry) -> impl Iterator<Item = &str> {
    [REF_NAME, CONTAINERD_NAME]
        .into_iter()
        .filter_map(|key| Some(entry.annotations.get(key)?.as_str()))
}

/// The only image of a layout, if nothing names it: it answers to any name that has no digest.
fn only_unnamed<'a>(entries: &'a [IndexEntry], name: &ImageName) -> Option<&'a IndexEntry> {
    let first = entries.first()?;
    let only = entries.iter().all(|entry| {
        entry.descriptor.digest == first.descriptor.digest && names(entry).next().is_none()
    });
    let has_digest = name.as_str().contains('@') || Digest::parse(name.as_str()).is_ok();
    (only && !has_digest).then_some(first)
}

/// What a layout has instead: the names, and the digests of images without a name.
fn hint(entries: &[IndexEntry]) -> String {
    let mut known: Vec<&str> = Vec::new();
    for entry in entries {
        let digest = entry.descriptor.digest.as_str();
        let name = names(entry).next().unwrap_or(digest);
        if !known.contains(&name) {
            known.push(name);
        }
    }
    let listed = known.iter().take(LISTED).copied().collect::<Vec<_>>().join(", ");
    match known.len().saturating_sub(LISTED) {
        _ if known.is_empty() => "; the layout is empty".to_owned(),
        0 => format!("; the layout has {listed}"),
        more => format!("; the layout has {listed} and {more} more"),
    }
}

/// Whether an entry has this name: by either annotation, or by its digest, alone or after an `@`.
fn is_named(entry: &IndexEntry, name: &str) -> bool {
    let annotated = |key| entry.annotations.get(key).is_some_and(|value| value == name);
    let digest = name.rsplit_once('@').map_or(name, |(_, digest)| digest);
    annotated(REF_NAME) || annotated(CONTAINERD_NAME) || entry.descriptor.digest.as_str() == digest
}

/// Runs what waits for a disk on a thread where it blocks no other call.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let broken_off = |error: tokio::task::JoinError| StoreError::Unavailable(error.to_string());
    tokio::task::spawn_blocking(work).await.map_err(broken_off)?
}

#[async_trait]
impl ImageStore for OciLayout {
    /// Matches a name against the annotations `org.opencontainers.image.ref.name` and
    /// `io.containerd.image.name` and against the digest of each entry of `index.json`, exactly. If several
    /// entries have the name, the last one counts: tools append to a layout. If the layout has one image and no
    /// name, that image answers to any name.
    async fn resolve(
        &self,
        _namespace: &Namespace,
        name: &ImageName,
        _deadline: Deadline,
    ) -> Result<Resolved, StoreError> {
        let (layout, name) = (self.clone(), name.clone());
        blocking(move || layout.find(&name)).await
    }

    async fn open(
        &self,
        _namespace: &Namespace,
        blob: &Descriptor,
        _deadline: Deadline,
    ) -> Result<BlobStream, StoreError> {
        let (layout, digest) = (self.clone(), blob.digest.clone());
        let file = blocking(move || layout.open_blob(&digest)).await?;
        let size = file.limit();
        Ok(Box::pin(tokio::fs::File::from_std(file.into_inner()).take(size)))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        let layout = self.clone();
        blocking(move || Ok(layout.check()?)).await
    }
}
