//! The header that says in which of containerd's namespaces a call happens.

use super::status::Call;
use crate::domain::ids::Namespace;
use crate::store::image_store::SourceError;
use tonic::Request;
use tonic::metadata::MetadataValue;

/// The header's name. containerd: `namespaces.GRPCHeader`.
const HEADER: &str = "containerd-namespace";

/// A request within a namespace.
///
/// # Errors
///
/// [`SourceError::Invalid`] where the namespace fits into no header, which none that was checked does.
pub(super) fn within<T>(
    call: &Call,
    namespace: &Namespace,
    message: T,
) -> Result<Request<T>, SourceError> {
    let value = MetadataValue::try_from(namespace.as_str())
        .map_err(|_| call.invalid(format!("namespace {namespace:?} fits into no header")))?;
    let mut request = Request::new(message);
    request.metadata_mut().insert(HEADER, value);
    Ok(request)
}
