//! The paths of a spec as runtimes clean them.

use crate::oci::Mount;
use crate::paths::clean;
use std::borrow::Cow;

/// The cleaned destination of a mount.
pub(super) fn destination(mount: &Mount) -> Cow<'_, str> {
    clean_path(&mount.destination)
}

/// A path as [`clean`] makes it, without an allocation for most paths.
pub(super) fn clean_path(path: &str) -> Cow<'_, str> {
    if is_clean(path) { Cow::Borrowed(path) } else { Cow::Owned(clean(path)) }
}

/// The directories above a clean path, except the root, from the highest to the lowest.
pub(super) fn directories_above(path: &str) -> impl Iterator<Item = &str> {
    let slashes = path.bytes().enumerate().skip(1).filter(|(_, byte)| *byte == b'/');
    slashes.map(|(at, _)| &path[..at])
}

/// Whether a path is absolute, and cleaning it would not change it. Not certain of names that begin with a dot.
fn is_clean(path: &str) -> bool {
    let path = path.as_bytes();
    let has_name_with_dot = path.windows(2).any(|pair| matches!(pair, b"//" | b"/."));
    path == b"/"
        || (path.first() == Some(&b'/') && path.last() != Some(&b'/') && !has_name_with_dot)
}
