//! `specd profiles`.

use crate::app::profiles::load;
use crate::cli::ProfilesArgs;
use crate::commands::{Failure, print, unusable};
use crate::config::ProfileConfig;
use crate::domain::request::DEFAULT_PROFILE;
use crate::spec::{Profile, Profiles};
use serde_json::json;

pub(crate) fn run(args: &ProfilesArgs) -> Result<(), Failure> {
    let config = ProfileConfig::new(&args.profiles, DEFAULT_PROFILE);
    let profiles = load(&config).map_err(unusable)?;
    match &args.name {
        Some(name) => {
            let profile = profiles.get(Some(name)).ok_or_else(|| {
                Failure::usage(format_args!(
                    "unknown profile {name:?}, known are {}",
                    profiles.names()
                ))
            })?;
            print(&one(profile)?)
        }
        None => print(&list(&profiles)),
    }
}

fn one(profile: &Profile) -> Result<String, Failure> {
    let value = json!({
        "name": profile.name,
        "description": profile.description,
        "aliases": profile.aliases,
        "equals": profile.equals,
        "image": profile.rules,
        "masks_thermal_throttle": profile.masks_thermal_throttle,
        "seccomp": { "policy": profile.seccomp.policy, "applied": profile.seccomp.applied },
        "spec": profile.spec,
    });
    serde_json::to_string_pretty(&value).map_err(Failure::run)
}

fn list(profiles: &Profiles) -> String {
    let names = profiles.iter().map(|(profile, is_default)| {
        let aliases = profile.aliases.iter().map(|alias| format!(", {alias}"));
        let mark = if is_default { " (default)" } else { "" };
        (format!("{}{}{mark}", profile.name, aliases.collect::<String>()), &profile.description)
    });
    let rows: Vec<(String, &String)> = names.collect();
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let lines = rows.iter().map(|(name, text)| format!("{name:width$}  {text}"));
    lines.collect::<Vec<_>>().join("\n")
}
