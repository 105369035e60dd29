//! The names of snapshots: the snapshotter and the key.

use crate::domain::ids::Snapshotter;
use std::fmt;

/// The default snapshotter, unless a flag of the server changes it. containerd:
/// `defaults.DefaultSnapshotter`.
pub const DEFAULT_SNAPSHOTTER: &str = "overlayfs";

/// The longest key, in bytes. containerd's own keys contain a container's id or a digest.
pub const MAX_KEY_BYTES: usize = 1024;

/// Why a text is not the key of a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotKeyError {
    /// The key is empty.
    #[error("must not be empty")]
    Empty,
    /// The key is longer than [`MAX_KEY_BYTES`].
    #[error("is {0} bytes long, at most {MAX_KEY_BYTES} are allowed")]
    TooLong(usize),
    /// The key contains a control character, which no client of containerd writes.
    #[error("must not have a control character in it")]
    Control,
}

/// The key of a snapshot. containerd has no pattern for it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SnapshotKey(String);

impl SnapshotKey {
    /// Parses a key.
    ///
    /// # Errors
    ///
    /// A [`SnapshotKeyError`] that says which rule is broken.
    pub fn parse(text: &str) -> Result<Self, SnapshotKeyError> {
        if text.is_empty() {
            return Err(SnapshotKeyError::Empty);
        }
        if text.len() > MAX_KEY_BYTES {
            return Err(SnapshotKeyError::TooLong(text.len()));
        }
        if text.chars().any(char::is_control) {
            return Err(SnapshotKeyError::Control);
        }
        Ok(Self(text.to_owned()))
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SnapshotKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The snapshot from which a request has the account files read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SnapshotChoice {
    /// The snapshotter, or the server's default.
    pub snapshotter: Option<Snapshotter>,
    /// The snapshot that is read instead of the image; absent for the image.
    pub key: Option<SnapshotKey>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_what_clients_of_containerd_write() {
        for text in ["web-1", "k8s.io/12/9f", "extract-123-abc sha256:00", "é"] {
            assert_eq!(SnapshotKey::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(SnapshotKey::parse(""), Err(SnapshotKeyError::Empty));
        assert_eq!(SnapshotKey::parse("a\nb"), Err(SnapshotKeyError::Control));
        assert!(SnapshotKey::parse(&"a".repeat(1024)).is_ok());
        assert_eq!(SnapshotKey::parse(&"a".repeat(1025)), Err(SnapshotKeyError::TooLong(1025)));
    }
}
