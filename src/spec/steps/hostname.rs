//! The host name and the domain name.

use crate::domain::origin::Origin;
use crate::spec::assembly::Assembly;
use crate::spec::error::SpecError;
use crate::spec::inputs::Inputs;

/// Sets the host name and the domain name. That they need a UTS namespace is a rule on the finished spec.
///
/// containerd: `oci.WithHostname`, `oci.WithDomainname`.
pub(super) fn hostname(inputs: &Inputs<'_>, assembly: &mut Assembly) -> Result<(), SpecError> {
    if let Some(hostname) = &inputs.options.hostname {
        assembly.spec.hostname.clone_from(hostname);
        assembly.attribute_value("/hostname", || Origin::option("hostname"));
    }
    if let Some(domainname) = &inputs.options.domainname {
        assembly.spec.domainname.clone_from(domainname);
        assembly.attribute_value("/domainname", || Origin::option("domainname"));
    }
    Ok(())
}
