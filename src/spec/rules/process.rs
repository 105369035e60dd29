//! What runs, where, with which environment, and in which execution domain.

use super::{Findings, hooks, namespaces};
use crate::domain::cwd::{self, CwdError};
use crate::oci::{Place, Process, Spec, place};

/// The longest argument or environment entry, in bytes: 32 pages of 4 KiB, without the NUL byte at the end.
const TEXT_BYTES: usize = 32 * 4096 - 1;

/// The spec has a process.
pub(super) fn present(spec: &Spec, findings: &mut Findings) {
    if spec.process.is_none() {
        findings.add(place!["process"], "is missing");
    }
}

/// The process has a program to run.
pub(super) fn args(spec: &Spec, findings: &mut Findings) {
    let Some(process) = &spec.process else { return };
    let place = place!["process", "args"];
    match process.args.first().map(String::as_str) {
        None => findings.add(place, "there is nothing to run: no entrypoint and no command"),
        Some("") => findings.add(place, "there is nothing to run: the first argument is empty"),
        Some(_) => {}
    }
}

/// The working directory is absolute, and does not lead out of the container through a file descriptor.
pub(super) fn working_directory(spec: &Spec, findings: &mut Findings) {
    match spec.process.as_ref().map(|process| cwd::check(&process.cwd)) {
        None | Some(Ok(()) | Err(CwdError::Nul(_))) => {}
        Some(Err(error)) => findings.add(place!["process", "cwd"], error),
    }
}

/// Every environment entry has a key and a value.
pub(super) fn environment(spec: &Spec, findings: &mut Findings) {
    for (index, entry) in spec.process.iter().flat_map(|process| &process.env).enumerate() {
        let lacks = match entry.bytes().position(|byte| byte == b'=') {
            None => "'='",
            Some(0) => "key",
            Some(_) => continue,
        };
        let place = place!["process", "env", index];
        findings.add(place, format_args!("environment entry {entry:?} has no {lacks}"));
    }
}

/// A program by name is looked up in a PATH. Of several the last one counts, and of its directories those that are absolute.
pub(super) fn path(spec: &Spec, findings: &mut Findings) {
    let Some(process) = &spec.process else { return };
    let Some(program) = process.args.first() else { return };
    if program.is_empty() || program.contains('/') {
        return;
    }
    let path = process.env.iter().rev().find_map(|entry| entry.strip_prefix("PATH="));
    if !path.is_some_and(|path| path.split(':').any(|directory| directory.starts_with('/'))) {
        let text = format_args!(
            "should have a PATH with an absolute directory: without one runc does not find {program:?}"
        );
        findings.add(place!["process", "env"], text);
    }
}

/// No argument and no environment entry is longer than the kernel accepts.
pub(super) fn length(spec: &Spec, findings: &mut Findings) {
    for (place, text) in spec.process.iter().flat_map(arguments_and_environment) {
        if text.len() > TEXT_BYTES {
            findings.add(place(), format_args!("should be at most {TEXT_BYTES} bytes"));
        }
    }
}

fn arguments_and_environment(
    process: &Process,
) -> impl Iterator<Item = (impl Fn() -> Place, &str)> {
    let lists = [("args", &process.args), ("env", &process.env)];
    lists.into_iter().flat_map(|(name, list)| {
        let texts = list.iter().enumerate();
        texts.map(move |(index, text)| (move || place!["process", name, index], text.as_str()))
    })
}

/// The execution domain is one of two.
pub(super) fn personality(spec: &Spec, findings: &mut Findings) {
    let personality = spec.linux.as_ref().and_then(|linux| linux.personality.as_ref());
    if personality.is_some_and(|it| !matches!(it.domain.as_str(), "LINUX" | "LINUX32")) {
        findings.add(place!["linux", "personality", "domain"], "must be LINUX or LINUX32");
    }
}

/// No string that becomes a C string contains a NUL byte.
pub(super) fn nul(spec: &Spec, findings: &mut Findings) {
    let mut check = |text: &str, description: &str, place: &dyn Fn() -> Place| {
        if text.as_bytes().contains(&0) {
            findings.add(place(), description);
        }
    };
    if let Some(process) = &spec.process {
        for (index, arg) in process.args.iter().enumerate() {
            let text = "an argument contains a NUL byte";
            check(arg, text, &|| place!["process", "args", index]);
        }
        for (index, entry) in process.env.iter().enumerate() {
            let text = "an environment entry contains a NUL byte";
            check(entry, text, &|| place!["process", "env", index]);
        }
        let text = "the working directory contains a NUL byte";
        check(&process.cwd, text, &|| place!["process", "cwd"]);
    }
    let text = "must not contain a NUL byte";
    for (name, paths) in namespaces::hidden_lists(spec) {
        for (index, path) in paths.iter().enumerate() {
            check(path, text, &|| place!["linux", name, index]);
        }
    }
    if let Some(linux) = &spec.linux {
        check(&linux.cgroups_path, text, &|| place!["linux", "cgroupsPath"]);
        for (index, namespace) in linux.namespaces.iter().enumerate() {
            check(&namespace.path, text, &|| place!["linux", "namespaces", index, "path"]);
        }
        for (index, device) in linux.devices.iter().enumerate() {
            check(&device.path, text, &|| place!["linux", "devices", index, "path"]);
        }
    }
    if let Some(root) = &spec.root {
        check(&root.path, text, &|| place!["root", "path"]);
    }
    for (index, mount) in spec.mounts.iter().enumerate() {
        let fields =
            [("destination", &mount.destination), ("source", &mount.source), ("type", &mount.kind)];
        for (name, field) in fields {
            check(field, text, &|| place!["mounts", index, name]);
        }
        for (at, option) in mount.options.iter().enumerate() {
            check(option, text, &|| place!["mounts", index, "options", at]);
        }
    }
    for (list, index, hook) in hooks::all(spec) {
        check(&hook.path, text, &|| place!["hooks", list, index, "path"]);
        for (name, texts) in [("args", &hook.args), ("env", &hook.env)] {
            for (at, entry) in texts.iter().enumerate() {
                check(entry, text, &|| place!["hooks", list, index, name, at]);
            }
        }
    }
}
