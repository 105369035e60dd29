//! The flags of `serve` with their values in effect: from the command line, the environment, or the defaults.

use crate::commands::{Cli, variables};
use clap::{ArgAction, CommandFactory};
use serde_json::{Map, Value};
use std::ffi::OsString;

/// Every flag of `serve` with its value, sorted by name.
///
/// They are read from the definition of the flags, so that none is forgotten.
pub(super) fn flags(words: impl IntoIterator<Item = OsString>) -> Map<String, Value> {
    let command = Cli::command();
    let words: Vec<OsString> = words.into_iter().collect();
    let matches = variables::parse(&command, &words).ok();
    let matches = matches.as_ref().and_then(|matches| matches.subcommand_matches("serve"));
    let (Some(serve), Some(matches)) = (command.find_subcommand("serve"), matches) else {
        return Map::new();
    };
    let flags = serve.get_opts().filter_map(|flag| {
        let name = flag.get_long().filter(|name| *name != "print-config")?;
        let id = flag.get_id().as_str();
        let mut values = matches
            .get_raw(id)
            .unwrap_or_default()
            .map(|value| value.to_string_lossy().into_owned());
        let value = if matches!(flag.get_action(), ArgAction::SetTrue) {
            matches.get_flag(id).into()
        } else if matches!(flag.get_action(), ArgAction::Append) {
            values.collect()
        } else {
            let number =
                |text: String| text.parse::<u64>().map_or_else(|_| text.into(), Value::from);
            values.next_back().map(number).into()
        };
        Some((name.to_owned(), value))
    });
    let mut flags: Map<String, Value> = flags.collect();
    flags.sort_keys();
    flags
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_flag_is_printed_with_its_value() {
        let words =
            "specd serve --listen tcp://127.0.0.1:1,unix:///a --insecure-tcp --max-streams 7";
        let flags = flags(words.split(' ').map(Into::into));
        assert_eq!(flags["listen"], json!(["tcp://127.0.0.1:1", "unix:///a"]));
        assert_eq!(flags["insecure-tcp"], true);
        assert_eq!(flags["max-streams"], 7);
        assert_eq!(flags["drain-timeout"], "10s");
        assert_eq!(flags["socket-mode"], json!(660));
        assert_eq!(flags["metrics-listen"], Value::Null);
        let command = Cli::command();
        let all = command.find_subcommand("serve").unwrap().get_opts().count();
        assert_eq!(flags.len(), all - 1);
    }
}
