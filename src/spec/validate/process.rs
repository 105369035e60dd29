//! What runs, where, and with which environment.

use super::Found;
use super::node::Node;
use crate::domain::cwd;

/// The longest argument or variable, in bytes: 32 pages, and the NUL at the end.
const TEXT_BYTES: usize = 32 * 4096 - 1;

/// There is a process.
pub(super) fn present(spec: Node<'_>, found: &mut Found) {
    let process = spec.get("process");
    if !process.is_there() {
        found.add(process, "is missing");
    }
}

/// There is something to run.
pub(super) fn args(spec: Node<'_>, found: &mut Found) {
    let process = spec.get("process");
    if !process.value.is_object() {
        return;
    }
    let args = process.get("args");
    match args.items().next() {
        None if args.is_there() && !args.value.is_array() => {}
        None => found.add(args, "there is nothing to run: no entrypoint and no command"),
        Some(first) if first.text() == Some("") => {
            found.add(args, "there is nothing to run: the first argument is empty");
        }
        Some(_) => {}
    }
}

/// The working directory is one: absolute, and not out of the container through a descriptor.
pub(super) fn working_directory(spec: Node<'_>, found: &mut Found) {
    let process = spec.get("process");
    let cwd = process.get("cwd");
    if !process.value.is_object() || (cwd.is_there() && cwd.text().is_none()) {
        return;
    }
    match cwd::check(cwd.text().unwrap_or_default()) {
        Ok(()) | Err(cwd::CwdError::Nul(_)) => {}
        Err(error) => found.add(cwd, error),
    }
}

/// Every variable has a name and a value.
pub(super) fn environment(spec: Node<'_>, found: &mut Found) {
    for entry in spec.get("process").get("env").items() {
        let Some(text) = entry.text() else { continue };
        match text.split_once('=') {
            None => found.add(entry, format_args!("environment entry {text:?} has no '='")),
            Some(("", _)) => {
                found.add(entry, format_args!("environment entry {text:?} has no key"));
            }
            Some(_) => {}
        }
    }
}

/// No argument and no variable is longer than the kernel takes, where pages have 4 KiB.
pub(super) fn length(spec: Node<'_>, found: &mut Found) {
    let process = spec.get("process");
    for text in process.get("args").items().chain(process.get("env").items()) {
        if text.text().is_some_and(|text| text.len() > TEXT_BYTES) {
            found.add(text, format_args!("should be at most {TEXT_BYTES} bytes"));
        }
    }
}

/// No text that becomes one of C's has a NUL in it.
pub(super) fn nul(spec: Node<'_>, found: &mut Found) {
    let has_nul = |node: &Node<'_>| node.text().is_some_and(|text| text.contains('\0'));
    let process = spec.get("process");
    for arg in process.get("args").items().filter(has_nul) {
        found.add(arg, "an argument has a NUL in it");
    }
    for entry in process.get("env").items().filter(has_nul) {
        found.add(entry, "an environment entry has a NUL in it");
    }
    let cwd = process.get("cwd");
    if let Err(error @ cwd::CwdError::Nul(_)) = cwd::check(cwd.text().unwrap_or("/")) {
        found.add(cwd, error);
    }
    let linux = spec.get("linux");
    let lists = ["maskedPaths", "readonlyPaths"].map(|name| linux.get(name));
    let paths = lists.into_iter().flat_map(Node::items).chain([linux.get("cgroupsPath")]);
    for path in paths.filter(has_nul) {
        found.add(path, "must not have a NUL in it");
    }
    for mount in spec.get("mounts").items() {
        for field in ["destination", "source", "type"] {
            Some(mount.get(field)).filter(has_nul).into_iter().for_each(|node| {
                found.add(node, "must not have a NUL in it");
            });
        }
    }
}
