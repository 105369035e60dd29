//! The flags of `serve` as they are in effect: given, out of the environment, or by default.

use crate::cli::Cli;
use clap::{ArgAction, CommandFactory};

/// The value of a flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Nothing was given and there is no default.
    Absent,
    /// A flag that is there or not.
    Switch(bool),
    /// One value.
    One(String),
    /// Any number of values.
    Many(Vec<String>),
}

/// Every flag of `serve` with its value, sorted by name, out of the words and the environment of this process.
///
/// It is read from the definition of the flags, so that none is forgotten.
#[must_use]
pub fn of_this_process() -> Vec<(String, Value)> {
    of(std::env::args_os())
}

fn of(words: impl IntoIterator<Item = std::ffi::OsString>) -> Vec<(String, Value)> {
    let command = Cli::command();
    let (Some(serve), Ok(matches)) =
        (command.find_subcommand("serve"), command.clone().try_get_matches_from(words))
    else {
        return Vec::new();
    };
    let Some(matches) = matches.subcommand_matches("serve") else { return Vec::new() };
    let mut flags: Vec<(String, Value)> = serve
        .get_opts()
        .filter_map(|flag| {
            let id = flag.get_id().as_str();
            let name = flag.get_long().filter(|name| *name != "print-config")?.to_owned();
            let raw = matches.get_raw(id).unwrap_or_default();
            let mut values: Vec<String> =
                raw.map(|value| value.to_string_lossy().into_owned()).collect();
            let value = if matches!(flag.get_action(), ArgAction::SetTrue) {
                Value::Switch(matches.get_one::<bool>(id).copied().unwrap_or_default())
            } else if matches!(flag.get_action(), ArgAction::Append) {
                Value::Many(values)
            } else {
                values.pop().map_or(Value::Absent, Value::One)
            };
            Some((name, value))
        })
        .collect();
    flags.sort_by(|(one, _), (other, _)| one.cmp(other));
    flags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_is_there_with_its_value() {
        let words =
            "specd serve --listen tcp://127.0.0.1:1,unix:///a --insecure-tcp --max-streams 7";
        let flags = of(words.split(' ').map(Into::into));
        let value = |name: &str| {
            flags.iter().find(|(flag, _)| flag == name).map(|(_, value)| value.clone()).unwrap()
        };
        let listen = vec!["tcp://127.0.0.1:1".to_owned(), "unix:///a".to_owned()];
        assert_eq!(value("listen"), Value::Many(listen));
        assert_eq!(value("insecure-tcp"), Value::Switch(true));
        assert_eq!(value("max-streams"), Value::One("7".to_owned()));
        assert_eq!(value("drain-timeout"), Value::One("10s".to_owned()));
        assert_eq!(value("metrics-listen"), Value::Absent);
        let command = Cli::command();
        let all = command.find_subcommand("serve").unwrap().get_opts().count();
        assert_eq!(flags.len(), all - 1);
    }
}
