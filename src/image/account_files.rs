//! The account files of an image, and which of them are needed.

use bytes::Bytes;

/// Which account files are needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NeededFiles {
    /// `/etc/passwd`.
    pub passwd: bool,
    /// `/etc/group`.
    pub group: bool,
}

/// The account files of an image. A file is absent if the image does not have it, or if it was not needed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccountFiles {
    /// `/etc/passwd`.
    pub passwd: Option<Bytes>,
    /// `/etc/group`.
    pub group: Option<Bytes>,
}

impl AccountFiles {
    /// How long the files are together, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        [&self.passwd, &self.group].into_iter().flatten().map(Bytes::len).sum()
    }
}

impl NeededFiles {
    /// Whether no file is needed.
    #[must_use]
    pub fn is_empty(self) -> bool {
        !self.passwd && !self.group
    }
}
