//! The account files of an image, out of its layers.
//!
//! It alternates: `search` says what must be known, `layer` reads it. An image whose newest layer has
//! both files costs that one layer.
//!
//! Remembering the answer is a decorator's; what the files mean is `accounts`'.

use crate::domain::ids::Namespace;
use crate::domain::limits;
use crate::image::layers::scan;
use crate::image::layers::search::Searches;
use crate::image::layers::view::LayerView;
use crate::image::reader::{AccountFiles, ImageError, Wanted};
use crate::store::image_store::{Descriptor, ImageSource};
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
    let mut searches = Searches::new(wanted);
    while let Some((newest, watched)) = searches.needs(&mut views)? {
        let (Some(layer), Some(view)) = (layers.iter().rev().nth(newest), views.get_mut(newest))
        else {
            break;
        };
        *view = Some(scan::scan(&*source, namespace, layer, watched).await?);
    }
    Ok(searches.finish())
}
