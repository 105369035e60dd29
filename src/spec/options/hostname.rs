//! The host name and the domain name.

use crate::domain::origin::Origin;
use crate::spec::draft::Draft;
use crate::spec::error::SpecError;
use crate::spec::opt::Inputs;

/// Sets the host and domain names; that there is a UTS namespace for them is a rule on the finished spec.
///
/// containerd: `oci.WithHostname`, `oci.WithDomainname`.
pub(crate) fn hostname(inputs: &Inputs<'_>, draft: &mut Draft) -> Result<(), SpecError> {
    let options = inputs.options;
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
