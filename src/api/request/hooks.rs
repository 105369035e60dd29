//! Programs that the runtime runs.

use crate::api::pb::specd as pb;
use crate::domain::hooks::{Hook, Moment};
use crate::domain::violation::Violations;

pub(super) fn hooks(message: pb::HookOptions, wrong: &mut Violations) -> Vec<(Moment, Vec<Hook>)> {
    let lists = [
        ("prestart", Moment::Prestart, message.prestart),
        ("create_runtime", Moment::CreateRuntime, message.create_runtime),
        ("create_container", Moment::CreateContainer, message.create_container),
        ("start_container", Moment::StartContainer, message.start_container),
        ("poststart", Moment::Poststart, message.poststart),
        ("poststop", Moment::Poststop, message.poststop),
    ];
    let mut hooks = Vec::new();
    for (name, moment, messages) in lists.into_iter().filter(|(_, _, list)| !list.is_empty()) {
        let mut list = Vec::with_capacity(messages.len());
        for (index, message) in messages.into_iter().enumerate() {
            list.push(hook(message, &format!("options.hooks.{name}[{index}]"), wrong));
        }
        hooks.push((moment, list));
    }
    hooks
}

/// runc: `Command.Run` and `validate`: a path that is not absolute, and a timeout that is over before it
/// begins, fail there.
fn hook(message: pb::Hook, field: &str, wrong: &mut Violations) -> Hook {
    let pb::Hook { path, args, env, timeout } = message;
    if !path.starts_with('/') || path.contains('\0') {
        wrong.push(format!("{field}.path"), "must be an absolute path");
    }
    if timeout.is_some_and(|seconds| seconds < 1) {
        wrong.push(format!("{field}.timeout"), "must be at least 1, in seconds");
    }
    for (index, entry) in env.iter().enumerate() {
        if entry.find('=').is_none_or(|at| at == 0) {
            wrong.push(format!("{field}.env[{index}]"), "must be \"KEY=value\"");
        }
    }
    for (name, list) in [("args", &args), ("env", &env)] {
        for (index, _) in list.iter().enumerate().filter(|(_, text)| text.contains('\0')) {
            wrong.push(format!("{field}.{name}[{index}]"), "must not have a NUL in it");
        }
    }
    Hook { path, args, env, timeout }
}
