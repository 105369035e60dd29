//! Kernel parameters: those that would change the host.

use super::Found;
use super::namespaces::is_there;
use super::node::Node;
use crate::domain::sysctl::{Of, of};

fn all(spec: Node<'_>) -> impl Iterator<Item = (Of, Node<'_>)> {
    spec.get("linux").get("sysctl").members().map(|(key, node)| (of(key), node))
}

/// No parameter is the host's alone.
pub(super) fn host(spec: Node<'_>, found: &mut Found) {
    for (_, parameter) in all(spec).filter(|(of, _)| *of == Of::Host) {
        found.add(parameter, "is not a parameter of a namespace, it would change the host");
    }
}

/// A parameter of a namespace is set in one that is not the host's.
pub(super) fn namespace(spec: Node<'_>, found: &mut Found) {
    for (of, parameter) in all(spec) {
        if let Of::Namespace(kind) = of
            && !is_there(spec, kind.name())
        {
            let kind = kind.name();
            let namespaces = spec.get("linux").get("namespaces").get(kind);
            let text = format_args!("needs a private {kind} namespace");
            found.against(parameter, namespaces, text);
        }
    }
}

/// What has a field in the spec is set by that.
pub(super) fn field(spec: Node<'_>, found: &mut Found) {
    for (of, parameter) in all(spec) {
        if let Of::Field(name) = of {
            found.add(parameter, format_args!("is set by the spec's {name}"));
        }
    }
}
