//! The account files of an image, out of its layers.
//!
//! Two steps alternate: `search` says which layer must be known, `scan` reads it. An image with both files
//! in its newest layer costs that one layer.

use crate::domain::ids::Namespace;
use crate::domain::limits;
use crate::image::layers::readers::LayerReaders;
use crate::image::layers::scan::Scanner;
use crate::image::layers::search::AccountFileSearch;
use crate::image::layers::view::LayerView;
use crate::image::layers::work::Work;
use crate::image::{AccountFiles, Descriptor, ImageError, NeededFiles};
use crate::store::{Deadline, ImageStore};
use std::sync::Arc;

/// Reads `/etc/passwd` and `/etc/group` as a container of the image sees them.
///
/// Layers are read newest first, down to the one that decides. A file that does not exist is absent, also
/// behind a link that leads nowhere; a file that exists and is not a regular file is an error.
///
/// containerd: `oci.openUserFile`, on the mounted layers.
///
/// # Errors
///
/// [`ImageError::File`] for a file that is not regular or is behind too many links,
/// [`ImageError::Limit`] for one of more than [`limits::ACCOUNT_FILE_BYTES`] and for layers that take too
/// much work, and whatever makes a layer that must be read unreadable.
pub async fn read_from_layers(
    readers: &LayerReaders,
    store: &dyn ImageStore,
    namespace: &Namespace,
    layers: &[Descriptor],
    needed: NeededFiles,
    deadline: Deadline,
) -> Result<AccountFiles, ImageError> {
    if layers.len() > limits::LAYERS {
        let (what, limit) = ("number of layers".to_owned(), limits::LAYERS as u64);
        return Err(ImageError::Limit { what, limit, unit: "layers" });
    }
    let work = Arc::<Work>::default();
    let _stop_when_dropped = work.stop().clone().drop_guard();
    let place = Arc::new(readers.image(namespace, deadline).await?);
    let scanner = Scanner { readers, store, namespace, deadline, work, place };
    let mut views: Vec<Option<LayerView>> = layers.iter().map(|_| None).collect();
    let mut search = AccountFileSearch::new(needed);
    while let Some((newest, watched)) = search.next_layer(&mut views)? {
        let (Some(layer), Some(view)) = (layers.iter().rev().nth(newest), views.get_mut(newest))
        else {
            break;
        };
        *view = Some(scanner.scan_layer(layer, watched).await?);
    }
    Ok(search.finish())
}
