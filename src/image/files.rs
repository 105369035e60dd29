//! The account files of an image, out of its layers.
//!
//! It alternates: `tree` says what must be known, `layer` reads it. An image whose newest layer has
//! both files costs that one layer.
//!
//! Remembering the answer is a decorator's; what the files mean is `accounts`'.

use crate::domain::ids::Namespace;
use crate::domain::limits;
use crate::image::layer;
use crate::image::reader::{AccountFiles, ImageError, Wanted};
use crate::image::root_path::RootPath;
use crate::image::source::{Descriptor, ImageSource};
use crate::image::tar::Content;
use crate::image::tree::{Progress, Walk};
use crate::image::view::{LayerView, Node};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Reads `/etc/passwd` and `/etc/group` as a container of the image would see them.
///
/// Layers are read newest first, and none beneath the one that decides. What does not exist, be it
/// behind a link that leads nowhere, is absent; what exists and is no regular file is an error.
///
/// containerd: `oci.openUserFile`, on the mounted layers.
///
/// # Errors
///
/// [`ImageError::File`] for what is no regular file or is behind too many links,
/// [`ImageError::Limit`] for one of more than [`limits::ACCOUNT_FILE_BYTES`], and whatever makes a
/// layer that must be read unreadable.
pub async fn account_files(
    source: Arc<dyn ImageSource>,
    namespace: &Namespace,
    layers: &[Descriptor],
    wanted: Wanted,
) -> Result<AccountFiles, ImageError> {
    if layers.len() > limits::LAYERS {
        let (what, limit) = ("number of layers".to_owned(), limits::LAYERS as u64);
        return Err(ImageError::Limit { what, limit, unit: "layers" });
    }
    let mut views: Vec<Option<LayerView>> = layers.iter().map(|_| None).collect();
    let mut passwd = Search::new("/etc/passwd", wanted.passwd);
    let mut group = Search::new("/etc/group", wanted.group);
    loop {
        let mut needs: BTreeMap<usize, Vec<RootPath>> = BTreeMap::new();
        for search in [&mut passwd, &mut group] {
            if let Some((layer, path)) = search.advance(&views)? {
                needs.entry(layer).or_default().push(path);
            }
        }
        let Some((newest, paths)) = needs.pop_first() else { break };
        let (Some(layer), Some(view)) = (layers.iter().rev().nth(newest), views.get_mut(newest))
        else {
            break;
        };
        let mut watched = view.take().map(LayerView::into_watched).unwrap_or_default();
        watched.extend(paths);
        *view = Some(layer::scan(&*source, namespace, layer, watched).await?);
    }
    Ok(AccountFiles { passwd: passwd.found, group: group.found })
}

/// One file that is looked for.
struct Search {
    path: &'static str,
    /// Nothing once it is known.
    walk: Option<Walk>,
    found: Option<Bytes>,
}

impl Search {
    fn new(path: &'static str, wanted: bool) -> Self {
        let walk = wanted.then(|| Walk::to(&RootPath::clean(path.as_bytes())));
        Self { path, walk, found: None }
    }

    /// Goes on, and answers with the layer and the path that it must know.
    fn advance(
        &mut self,
        views: &[Option<LayerView>],
    ) -> Result<Option<(usize, RootPath)>, ImageError> {
        let Some(walk) = &mut self.walk else { return Ok(None) };
        match walk.advance(views).map_err(|stop| self.refuse(stop.to_string()))? {
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

    fn refuse(&self, reason: String) -> ImageError {
        ImageError::File { path: self.path.to_owned(), reason }
    }
}
