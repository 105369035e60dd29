//! Reads the account files of a snapshot out of the directories that its mounts consist of.
//!
//! Nothing is mounted and nothing is written: the directories are read in place, and merged by the rules
//! that `layers` has, which are those of overlayfs.

use crate::image::layers::search::AccountFileSearch;
use crate::image::layers::view::LayerView;
use crate::image::snapshot::directory::{Directory, Root};
use crate::image::snapshot::mounts::Stack;
use crate::image::{AccountFiles, ImageError, NeededFiles};
use crate::store::Mount;
use std::path::Path;

/// Reads `/etc/passwd` and `/etc/group` as a process in the mounted snapshot sees them.
///
/// It blocks.
///
/// containerd: `fsview.FSMounts`, which merges by rules of its own.
///
/// # Errors
///
/// [`ImageError::File`] and [`ImageError::Limit`] as for layers; [`ImageError::Snapshot`] if the mounts are
/// of another kind, if a directory is not below the root or cannot be opened, and if overlayfs has the
/// contents elsewhere.
pub fn read_from_mounts(
    snapshot_root: &Path,
    mounts: &[Mount],
    needed: NeededFiles,
) -> Result<AccountFiles, ImageError> {
    let stack = Stack::from_mounts(mounts)?;
    let root = Root::open(snapshot_root)?;
    let open = |path: &std::path::PathBuf| root.directory(path, stack.marks);
    let directories = stack.directories.iter().map(open).collect::<Result<Vec<Directory>, _>>()?;
    let mut views: Vec<Option<LayerView>> = directories.iter().map(|_| None).collect();
    let mut search = AccountFileSearch::new(needed);
    while let Some((newest, watched)) = search.next_layer(&mut views)? {
        let (Some(directory), Some(view)) = (directories.get(newest), views.get_mut(newest)) else {
            break;
        };
        *view = Some(directory.view(&watched)?);
    }
    Ok(search.finish())
}
