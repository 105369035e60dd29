//! Placeholder for the merge: the account files out of the layers.

use crate::domain::ids::Namespace;
use crate::image::reader::{AccountFiles, ImageError, Wanted};
use crate::image::source::{Descriptor, ImageSource, SourceError};
use std::sync::Arc;

/// Stands where the search through the layers will.
///
/// # Errors
///
/// Always.
pub async fn account_files(
    _source: Arc<dyn ImageSource>,
    _namespace: &Namespace,
    _layers: &[Descriptor],
    _wanted: Wanted,
) -> Result<AccountFiles, ImageError> {
    Err(SourceError::Unavailable("account files are not read yet".to_owned()).into())
}
