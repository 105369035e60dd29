//! The namespaces.

use crate::spec::draft::Draft;
use crate::spec::error::SpecError;
use crate::spec::opt::Inputs;

/// Warns of each namespace that somebody else has to make first.
pub(crate) fn namespaces(_: &Inputs<'_>, draft: &mut Draft) -> Result<(), SpecError> {
    let joined: Vec<String> = draft
        .linux
        .namespaces()
        .iter()
        .flatten()
        .filter_map(|namespace| {
            let path = namespace.path().as_ref()?;
            let (kind, path) = (namespace.typ(), path.display());
            Some(format!("the {kind} namespace {path} must exist before the container starts"))
        })
        .collect();
    draft.warnings.extend(joined);
    Ok(())
}
