//! Searches the account files in a stack of layers, for blobs and for unpacked directories alike.
//!
//! It alternates with its caller: [`AccountFileSearch::next_layer`] says which paths of which layer must be
//! known, and the caller reads that layer.

use crate::domain::limits;
use crate::image::layers::tar::Content;
use crate::image::layers::view::{LayerView, Node};
use crate::image::layers::walk::{Progress, Stop, Walk};
use crate::image::{AccountFiles, ImageError, NeededFiles};
use crate::paths::RootPath;
use crate::store::SnapshotError;
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};

/// The search for both files.
pub(in crate::image) struct AccountFileSearch {
    passwd: FileSearch,
    group: FileSearch,
}

impl AccountFileSearch {
    pub(in crate::image) fn new(needed: NeededFiles) -> Self {
        Self {
            passwd: FileSearch::new("/etc/passwd", needed.passwd),
            group: FileSearch::new("/etc/group", needed.group),
        }
    }

    /// The newest layer (0 is the newest of all) of which more must be known, with all paths to watch in it.
    /// Its view is taken out of `views`. Absent once each file is found or known to be absent.
    ///
    /// # Errors
    ///
    /// [`ImageError::File`] for a file that is not regular or is behind too many links, and
    /// [`ImageError::Limit`] for one of more than [`limits::ACCOUNT_FILE_BYTES`].
    pub(in crate::image) fn next_layer(
        &mut self,
        views: &mut [Option<LayerView>],
    ) -> Result<Option<(usize, BTreeSet<RootPath>)>, ImageError> {
        let mut needs: BTreeMap<usize, Vec<RootPath>> = BTreeMap::new();
        for search in [&mut self.passwd, &mut self.group] {
            if let Some((layer, path)) = search.advance(views)? {
                needs.entry(layer).or_default().push(path);
            }
        }
        let Some((newest, paths)) = needs.pop_first() else { return Ok(None) };
        let known = views.get_mut(newest).and_then(Option::take);
        let mut watched = known.map(LayerView::into_watched).unwrap_or_default();
        watched.extend(paths);
        Ok(Some((newest, watched)))
    }

    /// The files that were found.
    pub(in crate::image) fn finish(self) -> AccountFiles {
        AccountFiles { passwd: self.passwd.found, group: self.group.found }
    }
}

/// The search for one file.
struct FileSearch {
    path: &'static str,
    /// Absent once the file is known.
    walk: Option<Walk>,
    found: Option<Bytes>,
}

impl FileSearch {
    fn new(path: &'static str, is_needed: bool) -> Self {
        let walk = is_needed.then(|| Walk::to(&RootPath::clean(path.as_bytes())));
        Self { path, walk, found: None }
    }

    /// Continues, and returns the layer and the path that must be known.
    fn advance(
        &mut self,
        views: &[Option<LayerView>],
    ) -> Result<Option<(usize, RootPath)>, ImageError> {
        let Some(walk) = &mut self.walk else { return Ok(None) };
        match walk.advance(views).map_err(|stop| self.stopped(&stop))? {
            Progress::Needs { layer, path } => Ok(Some((layer, path))),
            Progress::Done(node) => {
                self.walk = None;
                self.found = node.map(|node| self.regular(node)).transpose()?;
                Ok(None)
            }
        }
    }

    fn regular(&self, node: Node) -> Result<Bytes, ImageError> {
        match node {
            Node::File(Content::Bytes(bytes)) => Ok(bytes),
            Node::File(Content::TooLarge) => {
                let what = format!("{} in the image", self.path);
                let limit = limits::ACCOUNT_FILE_BYTES;
                Err(ImageError::Limit { what, limit, unit: "bytes" })
            }
            Node::File(Content::PaxSparse) => {
                Err(self.refuse("is a sparse file in a PAX format, which is not read".to_owned()))
            }
            Node::Special(kind) => Err(self.refuse(format!("is {kind}, not a regular file"))),
            Node::Directory => Err(self.refuse("is a directory, not a regular file".to_owned())),
            Node::Symlink(_) | Node::HardLink(_) => {
                Err(self.refuse("is a link, not a regular file".to_owned()))
            }
        }
    }

    fn stopped(&self, stop: &Stop) -> ImageError {
        match stop {
            Stop::MarksUnseen(_) => SnapshotError::Unreadable(stop.to_string()).into(),
            Stop::TooManyLinks | Stop::TooManySteps | Stop::NotDirectory(_) => {
                self.refuse(stop.to_string())
            }
        }
    }

    fn refuse(&self, reason: String) -> ImageError {
        ImageError::File { path: self.path.to_owned(), reason }
    }
}
