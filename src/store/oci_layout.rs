//! A directory in the OCI image layout, which `skopeo`, `umoci` and `ctr image export` write.
//!
//! The directory belongs to the operator and is trusted: symbolic links in it are followed. Its blobs are
//! not trusted: [`crate::image::blob`] verifies them, as those of any store.
//!
//! A layout has no namespaces, and gives the same answer in each.

use crate::domain::ids::Namespace;
use crate::domain::limits::METADATA_BYTES;
use crate::image::Descriptor;
use crate::image::digest::Digest;
use crate::image::metadata::go_json::Document;
use crate::image::metadata::index::{self, IndexEntry};
use crate::image::reference::ImageName;
use crate::store::{BlobStream, Deadline, ImageStore, Resolved, StoreError};
use async_trait::async_trait;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

const REF_NAME: &str = "org.opencontainers.image.ref.name";
const CONTAINERD_NAME: &str = "io.containerd.image.name";

/// The most images that an error message lists.
const LISTED: usize = 5;

/// Why a path is not an OCI image layout.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// The path does not exist.
    #[error("{} does not exist", .0.display())]
    Absent(PathBuf),
    /// The path is not a directory.
    #[error(
        "{path} is not a directory: unpack a layout with \"mkdir DIR && tar -xf {path} -C DIR\"; convert the output of docker save with \"skopeo copy docker-archive:{path} oci:DIR\"",
        path = .0.display()
    )]
    NotADirectory(PathBuf),
    /// The directory is not an OCI image layout.
    #[error("{} is not an OCI image layout: it has no file {file:?}", .root.display())]
    FileAbsent {
        /// The directory.
        root: PathBuf,
        /// The file that is missing.
        file: &'static str,
    },
    /// A file of the layout is invalid.
    #[error("{} cannot be read as an OCI image layout: {file}: {reason}", .root.display())]
    Malformed {
        /// The directory.
        root: PathBuf,
        /// The file.
        file: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A file that cannot be read.
    #[error("cannot read {}: {error}", .path.display())]
    Unreadable {
        /// The file or directory.
        path: PathBuf,
        /// The error.
        error: io::Error,
    },
}

/// Images in an OCI image layout.
#[derive(Debug, Clone)]
pub struct OciLayout {
    root: PathBuf,
}

impl OciLayout {
    /// Opens a directory that is a layout of version 1.0.
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
            Ok(found) if found.is_dir() => {}
            Ok(_) => return Err(LayoutError::NotADirectory(self.root.clone())),
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
        let path = self.root.join(file);
        let opened = match open_file(&path) {
            Ok(opened) => opened,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(LayoutError::FileAbsent { root: self.root.clone(), file });
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

    fn open_blob(&self, digest: &Digest) -> Result<File, StoreError> {
        let path = self.root.join("blobs").join(digest.algorithm().name()).join(digest.hex());
        open_file(&path).map_err(|error| {
            if error.kind() == io::ErrorKind::NotFound {
                return StoreError::BlobAbsent { digest: digest.clone() };
            }
            StoreError::Unavailable(format!("cannot read {}: {error}", path.display()))
        })
    }
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

impl From<LayoutError> for StoreError {
    fn from(error: LayoutError) -> Self {
        match error {
            LayoutError::Absent(_) | LayoutError::Unreadable { .. } => {
                Self::Unavailable(error.to_string())
            }
            LayoutError::NotADirectory(_)
            | LayoutError::FileAbsent { .. }
            | LayoutError::Malformed { .. } => Self::Invalid(error.to_string()),
        }
    }
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
        Ok(Box::pin(tokio::fs::File::from_std(file)))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        let layout = self.clone();
        blocking(move || Ok(layout.check()?)).await
    }
}
