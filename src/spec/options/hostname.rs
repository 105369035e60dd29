//! The host name and the domain name.

use crate::domain::origin::Origin;
use crate::domain::sandbox::NamespaceKind;
use crate::domain::violation::Violations;
use crate::spec::draft::Draft;
use crate::spec::error::SpecError;
use crate::spec::opt::Inputs;
use crate::spec::options::namespaces::is_private;

/// Sets the host and domain names inside the container's own UTS namespace.
///
/// containerd: `oci.WithHostname`, `oci.WithDomainname`. runc: "unable to set hostname without a private
/// UTS namespace".
pub(crate) fn hostname(inputs: &Inputs<'_>, draft: &mut Draft) -> Result<(), SpecError> {
    let options = inputs.options;
    let mut wrong = Violations::default();
    if !is_private(draft, NamespaceKind::Uts) {
        let names =
            [("options.hostname", &options.hostname), ("options.domainname", &options.domainname)];
        for (field, _) in names.iter().filter(|(_, name)| name.is_some()) {
            wrong.push(*field, "needs a private uts namespace");
        }
    }
    if !wrong.is_empty() {
        return Err(wrong.into());
    }
    if let Some(hostname) = &options.hostname {
        draft.set_hostname(Some(hostname.clone()));
        draft.set_by("/hostname", || Origin::option("hostname"));
    }
    if let Some(domainname) = &options.domainname {
        draft.set_domainname(Some(domainname.clone()));
        draft.set_by("/domainname", || Origin::option("domainname"));
    }
    Ok(())
}
