//! The host name.

use crate::spec::draft::Draft;
use crate::spec::error::SpecError;
use crate::spec::opt::Inputs;
use oci_spec::runtime::LinuxNamespaceType;

/// Sets the host name inside the container's own UTS namespace.
///
/// containerd: `oci.WithHostname`. runc: "unable to set hostname without a private UTS namespace".
pub(crate) fn hostname(inputs: &Inputs<'_>, draft: &mut Draft) -> Result<(), SpecError> {
    let Some(hostname) = &inputs.options.hostname else {
        return Ok(());
    };
    let private =
        draft.linux.namespaces().iter().flatten().any(|namespace| {
            namespace.typ() == LinuxNamespaceType::Uts && namespace.path().is_none()
        });
    if !private {
        let text = "needs a private uts namespace, and the profile has none";
        return Err(SpecError::field("options.hostname", text));
    }
    draft.set_hostname(Some(hostname.clone()));
    Ok(())
}
