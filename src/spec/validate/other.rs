//! What stands beside the rest: the version, annotations, cache partitions, the execution domain.

use super::Found;
use super::node::Node;

/// The version is one of those that this is about.
pub(super) fn version(spec: Node<'_>, found: &mut Found) {
    let version = spec.get("ociVersion");
    let is_one = |text: &str| {
        let mut parts = text.split(['.', '-', '+']);
        parts.next() == Some("1") && parts.next().is_some_and(|part| part.parse::<u32>().is_ok())
    };
    if spec.value.is_object() && !version.text().is_some_and(is_one) {
        found.add(version, "must be a version of the runtime spec, as 1.1.0");
    }
}

/// No annotation is without a key.
pub(super) fn annotations(spec: Node<'_>, found: &mut Found) {
    for (_, annotation) in spec.get("annotations").members().filter(|(key, _)| key.is_empty()) {
        found.add(annotation, "should have a key");
    }
}

/// A class of service is the name of a directory; `/`, the default class, came with the specification's 1.3.
pub(super) fn class_of_service(spec: Node<'_>, found: &mut Found) {
    let class = spec.get("linux").get("intelRdt").get("closID");
    let is_name = |text: &str| text == "/" || !(text.contains('/') || matches!(text, "." | ".."));
    if class.text().is_some_and(|text| !is_name(text)) {
        found.add(class, "must be the name of a directory");
    }
}

/// The execution domain is one of the two there are.
pub(super) fn personality(spec: Node<'_>, found: &mut Found) {
    let personality = spec.get("linux").get("personality");
    let domain = personality.get("domain");
    if personality.is_there() && !matches!(domain.text(), Some("LINUX" | "LINUX32")) {
        found.add(domain, "must be LINUX or LINUX32");
    }
}
