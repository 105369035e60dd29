//! Programs that the runtime runs at turns of the container's life.

use super::Found;
use super::node::Node;

const TURNS: [&str; 6] =
    ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"];

fn all(spec: Node<'_>) -> impl Iterator<Item = Node<'_>> {
    TURNS.into_iter().flat_map(move |turn| spec.get("hooks").get(turn).items())
}

/// A hook is named by an absolute path.
pub(super) fn path(spec: Node<'_>, found: &mut Found) {
    for path in all(spec).map(|hook| hook.get("path")) {
        if path.text().is_some_and(|path| !path.starts_with('/')) {
            found.add(path, "must be an absolute path");
        }
    }
}

/// A hook is given some time.
pub(super) fn timeout(spec: Node<'_>, found: &mut Found) {
    for timeout in all(spec).map(|hook| hook.get("timeout")) {
        if timeout.number().is_some_and(|seconds| seconds <= 0) {
            found.add(timeout, "must be at least 1, in seconds");
        }
    }
}
