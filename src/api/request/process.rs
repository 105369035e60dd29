//! The process, its user and its capabilities.

use super::convert::{Convert, convert};
use crate::api::pb::specd as pb;
use crate::domain::request::{CapabilityOptions, ProcessOptions, UserOptions};
use crate::domain::violation::Violations;
use crate::oci::{ConsoleSize, Linux, Process, Rlimit};
use crate::users::user::{Account, UserSpec};
use std::collections::HashSet;

convert! {
    ConsoleSize => ConsoleSize { height, width }
    Rlimit => Rlimit { r#type: kind, hard, soft }
}

pub(super) fn process(message: pb::ProcessOptions, wrong: &mut Violations) -> ProcessOptions {
    let pb::ProcessOptions { command, entrypoint, env, cwd, terminal, .. } = message;
    for (index, entry) in env.iter().enumerate() {
        let field = || format!("options.process.env[{index}]");
        if entry.is_empty() || entry.starts_with('=') {
            wrong.push(field(), "must be \"KEY=value\" to set or \"KEY\" to unset, with a key");
        } else if entry.contains('\0') {
            wrong.push(field(), "must not contain a NUL byte");
        }
    }
    if message.console_size.is_some() && terminal != Some(true) {
        wrong.push("options.process.console_size", "needs options.process.terminal to be true");
    }
    ProcessOptions {
        command: command.map(|list| list.values),
        entrypoint: entrypoint.map(|list| list.values),
        env,
        cwd,
        terminal,
        console_size: message.console_size.convert(),
        rlimits: rlimits(message.rlimits, wrong),
        oom_score_adj: message.oom_score_adj,
        replaced: Process {
            scheduler: message.scheduler.convert(),
            io_priority: message.io_priority.convert(),
            exec_cpu_affinity: message.cpu_affinity.convert(),
            ..Process::default()
        },
        replaced_linux: Linux {
            personality: message.personality.convert(),
            memory_policy: message.memory_policy.convert(),
            ..Linux::default()
        },
    }
}

fn rlimits(messages: Vec<pb::Rlimit>, wrong: &mut Violations) -> Vec<Rlimit> {
    let mut seen = HashSet::new();
    for (index, limit) in messages.iter().enumerate() {
        if !seen.insert(limit.r#type.as_str()) {
            wrong.push(format!("options.process.rlimits[{index}].type"), "is listed twice");
        }
    }
    messages.convert()
}

pub(super) fn user(message: &pb::UserOptions, wrong: &mut Violations) -> UserOptions {
    let user = message.user.as_ref();
    let user = user.and_then(|user| wrong.keep("options.user.user", UserSpec::parse(user)));
    let username = message.username.as_ref().and_then(|name| {
        if message.user.is_some() {
            wrong.push("options.user.username", "must not be set beside options.user.user");
        }
        wrong.keep("options.user.username", UserSpec::named(name))
    });
    let mut additional_groups = Vec::with_capacity(message.additional_groups.len());
    for (index, group) in message.additional_groups.iter().enumerate() {
        let field = format!("options.user.additional_groups[{index}]");
        additional_groups.extend(wrong.keep(&field, additional_group(group)));
    }
    UserOptions {
        by_username: username.is_some(),
        user: username.or(user),
        without_groups: message.without_groups,
        additional_groups,
        umask: message.umask,
    }
}

fn additional_group(text: &str) -> Result<Account, String> {
    match UserSpec::parse(text) {
        Ok(UserSpec { user, group: None }) => Ok(user),
        Ok(_) => Err(format!("group {text:?} has a ':'")),
        Err(error) => Err(error.to_string().replacen("user", "group", 1).replace("uid", "gid")),
    }
}

pub(super) fn capabilities(message: pb::CapabilityOptions) -> CapabilityOptions {
    let pb::CapabilityOptions { set, add, drop, ambient } = message;
    CapabilityOptions { set: set.map(|list| list.values), add, drop, ambient }
}
