//! `specd profiles`: the profiles on offer, or one of them as JSON.

use crate::commands::profile_files::ProfileDirArgs;
use crate::commands::{Failure, print, print_json};
use crate::domain::request::DEFAULT_PROFILE;
use crate::generate::OF_NODE;
use crate::spec::{NODE, Profile, Profiles};
use clap::Args;
use serde_json::{Value, json};
use std::time::SystemTime;

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
        "supported_until": profile.supported_until,
        "image": profile.rules,
        "masks_thermal_throttle": profile.masks_thermal_throttle,
        "user_mounts": profile.user_mounts,
        "cgroup_namespace_on_v2": profile.additions.cgroup_namespace_on_v2,
        "docker_environment": profile.additions.docker_environment,
        "seccomp": { "policy": profile.seccomp.policy, "applied": profile.seccomp.applied },
        "spec": profile.spec,
    })
}

/// A table: the names, the release that a profile equals, until when that is supported, and the description.
fn list(profiles: &Profiles) -> String {
    let row = |(profile, is_default): (&Profile, bool)| {
        let aliases = profile.aliases.iter().map(|alias| format!(", {alias}"));
        let mark = if is_default { " (default)" } else { "" };
        let ended = if has_ended(profile) { " (ended)" } else { "" };
        [
            format!("{}{}{mark}", profile.name, aliases.collect::<String>()),
            profile.equals.clone(),
            format!("{}{ended}", profile.supported_until),
            profile.description.clone(),
        ]
    };
    let head = ["NAME", "EQUALS", "SUPPORTED UNTIL", "DESCRIPTION"].map(str::to_owned);
    let of_node = [NODE, "", "", OF_NODE].map(str::to_owned);
    let rows: Vec<_> =
        std::iter::once(head).chain(profiles.iter().map(row)).chain([of_node]).collect();
    let wide = [0, 1, 2].map(|column| rows.iter().map(|row| row[column].len()).max().unwrap_or(1));
    let line = |[name, equals, until, text]: &[String; 4]| {
        let or_dash = |text: &String| if text.is_empty() { "-".to_owned() } else { text.clone() };
        let (equals, until) = (or_dash(equals), or_dash(until));
        let [first, second, third] = wide;
        format!("{name:first$}  {equals:second$}  {until:third$}  {text}")
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Whether the release that a profile equals is out of support today. Only commands look at the clock: an answer is the same
/// on every day.
pub(super) fn has_ended(profile: &Profile) -> bool {
    let today = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let today = today.get(.."2027-05-16".len()).unwrap_or_default();
    !profile.supported_until.is_empty() && profile.supported_until.as_str() < today
}
