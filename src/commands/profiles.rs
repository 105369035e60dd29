//! `specd profiles`: the profiles on offer, or one of them as JSON.

use crate::commands::profile_files::ProfileDirArgs;
use crate::commands::{Failure, print, print_json};
use crate::domain::request::DEFAULT_PROFILE;
use crate::spec::{Profile, Profiles};
use clap::Args;
use serde_json::{Value, json};

/// Flags of `profiles`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  specd profiles containerd-2.4\n  \
                        specd profiles --profiles-dir /etc/specd/profiles")]
pub struct ProfilesArgs {
    /// The profile to print
    #[arg(value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    directory: ProfileDirArgs,
}

pub(super) fn run(args: ProfilesArgs) -> Result<(), Failure> {
    let ProfilesArgs { name, directory } = args;
    let profiles = directory.load(DEFAULT_PROFILE)?;
    let Some(name) = name else { return print(&list(&profiles)) };
    let profile = profiles.get(Some(&name));
    let profile = profile.ok_or_else(|| Failure::usage(profiles.unknown(Some(&name))))?;
    print_json(&json(profile))
}

fn json(profile: &Profile) -> Value {
    json!({
        "name": profile.name,
        "description": profile.description,
        "aliases": profile.aliases,
        "equals": profile.equals,
        "image": profile.rules,
        "masks_thermal_throttle": profile.masks_thermal_throttle,
        "user_mounts": profile.user_mounts,
        "cgroup_namespace_on_v2": profile.additions.cgroup_namespace_on_v2,
        "docker_environment": profile.additions.docker_environment,
        "seccomp": { "policy": profile.seccomp.policy, "applied": profile.seccomp.applied },
        "spec": profile.spec,
    })
}

fn list(profiles: &Profiles) -> String {
    let rows = profiles.iter().map(|(profile, is_default)| {
        let aliases = profile.aliases.iter().map(|alias| format!(", {alias}"));
        let mark = if is_default { " (default)" } else { "" };
        let name = format!("{}{}{mark}", profile.name, aliases.collect::<String>());
        let equals = if profile.equals.is_empty() { "-" } else { &profile.equals };
        (name, equals, &profile.description)
    });
    let head = ("NAME".to_owned(), "EQUALS", &"DESCRIPTION".to_owned());
    let rows: Vec<_> = std::iter::once(head).chain(rows).collect();
    let wide = |lengths: &mut dyn Iterator<Item = usize>| lengths.max().unwrap_or_default();
    let first = wide(&mut rows.iter().map(|(name, ..)| name.len()));
    let second = wide(&mut rows.iter().map(|(_, equals, _)| equals.len()));
    let lines =
        rows.iter().map(|(name, equals, text)| format!("{name:first$}  {equals:second$}  {text}"));
    lines.collect::<Vec<_>>().join("\n")
}
