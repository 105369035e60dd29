//! The host name and the domain name.

use super::namespaces::{has, is_private};
use super::{Assembly, Inputs, Origin, SpecError, set_given};
use crate::domain::sandbox::NamespaceKind;

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
    let options = inputs.options;
    set_given!(assembly, "/hostname", "hostname", options.hostname => spec.hostname);
    set_given!(assembly, "/domainname", "domainname", options.domainname => spec.domainname);
    if let Some(why) = misplaced
        && options.hostname.is_none()
        && !assembly.spec.hostname.is_empty()
    {
        assembly.warnings.push(format!("the profile's host name is left out: {why}"));
        assembly.spec.hostname.clear();
        assembly.attribute_changes(|| Origin::rule("hostname", why));
    }
    Ok(())
}
