//! The host name and the domain name.

use super::namespaces::{has, is_private};
use crate::domain::origin::Origin;
use crate::domain::sandbox::NamespaceKind;
use crate::spec::assembly::Assembly;
use crate::spec::error::SpecError;
use crate::spec::inputs::Inputs;

/// Sets the host name and the domain name. The profile's host name is left out where it would not be the container's own. That
/// requested names need a UTS namespace is a rule on the finished spec.
///
/// containerd: `oci.WithHostname`, `oci.WithDomainname`. Docker: `daemon.newContainer`, which gives a container in the host's network
/// namespace the host's name.
pub(super) fn hostname(inputs: &Inputs<'_>, assembly: &mut Assembly) -> Result<(), SpecError> {
    let misplaced = if !is_private(assembly, NamespaceKind::Uts) {
        Some("the container has no private uts namespace")
    } else if inputs.additions.docker_environment && !has(assembly, NamespaceKind::Network) {
        Some("in the host's network namespace the container has the host's name")
    } else {
        None
    };
    if let Some(hostname) = &inputs.options.hostname {
        assembly.spec.hostname.clone_from(hostname);
        assembly.attribute_value("/hostname", || Origin::option("hostname"));
    } else if let Some(why) = misplaced.filter(|_| !assembly.spec.hostname.is_empty()) {
        assembly.warnings.push(format!("the profile's host name is left out: {why}"));
        assembly.spec.hostname.clear();
        assembly.attribute_changes(|| Origin::rule("hostname", why));
    }
    if let Some(domainname) = &inputs.options.domainname {
        assembly.spec.domainname.clone_from(domainname);
        assembly.attribute_value("/domainname", || Origin::option("domainname"));
    }
    Ok(())
}
