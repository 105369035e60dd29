//! The namespaces.

use crate::spec::draft::Draft;
use crate::spec::error::SpecError;
use crate::spec::opt::Inputs;
use oci_spec::runtime::LinuxNamespaceType;

/// Warns of each namespace that somebody else has to make first.
pub(crate) fn namespaces(_: &Inputs<'_>, draft: &mut Draft) -> Result<(), SpecError> {
    let joined: Vec<String> = draft
        .linux
        .namespaces()
        .iter()
        .flatten()
        .filter_map(|namespace| {
            let path = namespace.path().as_ref()?;
            let (kind, path) = (name(namespace.typ()), path.display());
            Some(format!("the {kind} namespace {path} must exist before the container starts"))
        })
        .collect();
    draft.warnings.extend(joined);
    Ok(())
}

/// The name of a kind in the runtime specification.
fn name(kind: LinuxNamespaceType) -> &'static str {
    match kind {
        LinuxNamespaceType::Mount => "mount",
        LinuxNamespaceType::Cgroup => "cgroup",
        LinuxNamespaceType::Uts => "uts",
        LinuxNamespaceType::Ipc => "ipc",
        LinuxNamespaceType::User => "user",
        LinuxNamespaceType::Pid => "pid",
        LinuxNamespaceType::Network => "network",
        LinuxNamespaceType::Time => "time",
    }
}
