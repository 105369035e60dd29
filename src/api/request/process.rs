//! What runs and as whom.

use crate::api::pb::specd as pb;
use crate::api::request::scheduling;
use crate::domain::cwd;
use crate::domain::request::{CapabilityOptions, ProcessOptions, Rlimit, UserOptions};
use crate::domain::rlimit;
use crate::domain::user::{Account, UserSpec};
use crate::domain::violation::Violations;

pub(super) fn process(message: pb::ProcessOptions, wrong: &mut Violations) -> ProcessOptions {
    let pb::ProcessOptions { command, entrypoint, env, cwd, terminal, .. } = message;
    for (field, list) in [("command", &command), ("entrypoint", &entrypoint)] {
        for (index, value) in list.iter().flat_map(|list| &list.values).enumerate() {
            if value.contains('\0') {
                let field = format!("options.process.{field}.values[{index}]");
                wrong.push(field, "must not have a NUL in it");
            }
        }
    }
    for (index, entry) in env.iter().enumerate() {
        let field = format!("options.process.env[{index}]");
        if entry.is_empty() || entry.starts_with('=') {
            wrong.push(field, "must be \"KEY=value\" to set or \"KEY\" to unset, with a key");
        } else if entry.contains('\0') {
            wrong.push(field, "must not have a NUL in it");
        }
    }
    if let Some(path) = &cwd {
        wrong.keep("options.process.cwd", cwd::check(path));
    }
    if message.console_size.is_some() && terminal != Some(true) {
        wrong.push("options.process.console_size", "needs options.process.terminal to be true");
    }
    if message.oom_score_adj.is_some_and(|score| !(-1000..=1000).contains(&score)) {
        wrong.push("options.process.oom_score_adj", "must be -1000 to 1000");
    }
    ProcessOptions {
        command: command.map(|list| list.values),
        entrypoint: entrypoint.map(|list| list.values),
        env,
        cwd,
        terminal,
        console_size: message.console_size.map(|size| (size.height.into(), size.width.into())),
        rlimits: rlimits(message.rlimits, wrong),
        oom_score_adj: message.oom_score_adj,
        scheduler: message.scheduler.and_then(|it| scheduling::scheduler(&it, wrong)),
        io_priority: message.io_priority.and_then(|it| scheduling::io_priority(it, wrong)),
        cpu_affinity: message.cpu_affinity.map(|it| scheduling::cpu_affinity(it, wrong)),
        personality: message.personality.and_then(|it| scheduling::personality(it, wrong)),
        memory_policy: message.memory_policy.and_then(|it| scheduling::memory_policy(it, wrong)),
    }
}

fn rlimits(messages: Vec<pb::Rlimit>, wrong: &mut Violations) -> Vec<Rlimit> {
    for (index, limit) in messages.iter().enumerate() {
        let field = format!("options.process.rlimits[{index}]");
        if !rlimit::NAMES.contains(&limit.r#type.as_str()) {
            wrong.push(
                format!("{field}.type"),
                format_args!("must be one of {}", rlimit::NAMES.join(", ")),
            );
        } else if messages[..index].iter().any(|other| other.r#type == limit.r#type) {
            wrong.push(format!("{field}.type"), "is there twice");
        }
        if limit.soft > limit.hard {
            wrong.push(format!("{field}.soft"), "must not be above hard");
        }
    }
    let convert = |pb::Rlimit { r#type, hard, soft }| Rlimit { name: r#type, hard, soft };
    messages.into_iter().map(convert).collect()
}

pub(super) fn user(message: &pb::UserOptions, wrong: &mut Violations) -> UserOptions {
    let user = message.user.as_ref();
    let user = user.and_then(|user| wrong.keep("options.user.user", UserSpec::parse(user)));
    let username = message.username.as_ref().and_then(|name| {
        if message.user.is_some() {
            wrong.push("options.user.username", "goes without options.user.user");
        }
        wrong.keep("options.user.username", UserSpec::named(name))
    });
    let mut additional_groups = Vec::with_capacity(message.additional_groups.len());
    for (index, group) in message.additional_groups.iter().enumerate() {
        let field = format!("options.user.additional_groups[{index}]");
        additional_groups.extend(wrong.keep(&field, additional_group(group)));
    }
    if message.umask.is_some_and(|mask| mask > 0o777) {
        wrong.push("options.user.umask", "must be at most 511, which is 0777");
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
