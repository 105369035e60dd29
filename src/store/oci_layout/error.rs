//! Why a path is not an OCI image layout.

use crate::store::StoreError;
use std::io;
use std::path::PathBuf;

/// Why a path is not an OCI image layout.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// The path does not exist.
    #[error("{} does not exist", .0.display())]
    Absent(PathBuf),
    /// The file is not a tar archive.
    #[error(
        "{path} is neither a directory nor a tar archive: {reason}; decompress it if it is compressed, for example with \"gunzip {path}\"",
        path = .path.display()
    )]
    NotAnArchive {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The archive ends before its last file does.
    #[error("{} is cut off: {reason}: write it again", .path.display())]
    CutOff {
        /// The archive.
        path: PathBuf,
        /// Where it ends.
        reason: String,
    },
    /// The file has no content.
    #[error("{} is empty: write it again", .0.display())]
    Empty(PathBuf),
    /// The archive has no layout.
    #[error(
        "{path} has no file {file:?}, so it is not an OCI image layout: convert the output of docker save of a Docker before 25 with \"skopeo copy docker-archive:{path} oci:DIR\"",
        path = .path.display()
    )]
    NoLayoutInArchive {
        /// The archive.
        path: PathBuf,
        /// The file that is missing.
        file: &'static str,
    },
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

impl From<LayoutError> for StoreError {
    fn from(error: LayoutError) -> Self {
        match error {
            LayoutError::Absent(_) | LayoutError::Unreadable { .. } => {
                Self::Unavailable(error.to_string())
            }
            LayoutError::NotAnArchive { .. }
            | LayoutError::CutOff { .. }
            | LayoutError::Empty(_)
            | LayoutError::NoLayoutInArchive { .. }
            | LayoutError::FileAbsent { .. }
            | LayoutError::Malformed { .. } => Self::Invalid(error.to_string()),
        }
    }
}
