//! Programs that the runtime runs.

use crate::api::pb::specd as pb;
use crate::oci::{Hook, Hooks};

pub(super) fn hooks(message: pb::HookOptions) -> Hooks {
    let convert = |pb::Hook { path, args, env, timeout }: pb::Hook| Hook {
        path,
        args,
        env,
        timeout: timeout.map(i64::from),
        ..Hook::default()
    };
    let list = |hooks: Vec<pb::Hook>| hooks.into_iter().map(convert).collect();
    Hooks {
        prestart: list(message.prestart),
        create_runtime: list(message.create_runtime),
        create_container: list(message.create_container),
        start_container: list(message.start_container),
        poststart: list(message.poststart),
        poststop: list(message.poststop),
        ..Hooks::default()
    }
}
