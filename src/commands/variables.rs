//! The environment variables behind the flags: which of them count, and which of them an error is about.

use crate::commands::Failure;
use clap::builder::{Resettable, StyledStr};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, Error};
use std::collections::HashSet;
use std::ffi::OsString;

/// The flags that decide where images come from. One on the command line wins over the variables of the others.
const SOURCES: [&str; 3] = ["server", "oci_layout", "containerd"];

/// Parses words, and the variables behind the flags that they lack.
///
/// A variable does not count where the words have a flag that conflicts with its flag.
///
/// # Errors
///
/// That of clap, with a line for each variable that it is about.
pub(super) fn parse(command: &Command, words: &[OsString]) -> Result<ArgMatches, Error> {
    let alone = command.clone().mut_subcommands(|command| command.mut_args(without_variable));
    let given = given(alone.clone().ignore_errors(true), words);
    let parsed = command
        .clone()
        .mut_subcommands(|command| without_outranked(command, &given))
        .try_get_matches_from(words);
    parsed.map_err(|error| match alone.try_get_matches_from(words) {
        // The words alone are wrong in the same way.
        Err(same) if about(&same) == about(&error) => error,
        _ => with_variables(error, command, words, &given),
    })
}

/// The same failure; if it begins with a flag, that came from a variable, with the variable.
pub(super) fn named(failure: Failure, command: &Command, matches: &ArgMatches) -> Failure {
    let named = |text: &str| {
        let (name, matches) = matches.subcommand()?;
        let text = text.strip_prefix("--")?;
        let (long, rest) = text.split_at(text.find([':', ' '])?);
        let command = command.find_subcommand(name)?;
        let flag = command.get_arguments().find(|flag| flag.get_long() == Some(long))?;
        let source = matches.value_source(flag.get_id().as_str())?;
        let variable = flag.get_env().filter(|_| source == ValueSource::EnvVariable)?;
        Some(format!("--{long} (from {}){rest}", variable.to_string_lossy()))
    };
    match failure {
        Failure::Usage(text) => Failure::Usage(named(&text).unwrap_or(text)),
        Failure::Run(text) => Failure::Run(named(&text).unwrap_or(text)),
    }
}

/// The flags that are on the command line, as far as it can be parsed.
fn given(alone: Command, words: &[OsString]) -> HashSet<String> {
    let Ok(matches) = alone.try_get_matches_from(words) else { return HashSet::new() };
    let Some((_, matches)) = matches.subcommand() else { return HashSet::new() };
    let is_given = |id: &str| matches.value_source(id) == Some(ValueSource::CommandLine);
    matches.ids().map(|id| id.as_str().to_owned()).filter(|id| is_given(id)).collect()
}

fn without_variable(flag: Arg) -> Arg {
    flag.env(Resettable::Reset)
}

/// The command without the variables that a flag on the command line wins over.
fn without_outranked(command: Command, given: &HashSet<String>) -> Command {
    let conflicts = |flag: &Arg| {
        let ids = command.get_arg_conflicts_with(flag).into_iter().map(Arg::get_id);
        ids.map(ToString::to_string).collect::<Vec<_>>()
    };
    let source_is_given = SOURCES.iter().any(|id| given.contains(*id));
    let mut outranked = HashSet::new();
    for flag in command.get_arguments() {
        let id = flag.get_id().to_string();
        if given.contains(&id) {
            outranked.extend(conflicts(flag));
        } else if conflicts(flag).iter().any(|other| given.contains(other))
            || (source_is_given && SOURCES.contains(&id.as_str()))
        {
            outranked.insert(id);
        }
    }
    outranked.retain(|id| !given.contains(id));
    command.mut_args(|flag| {
        if outranked.contains(flag.get_id().as_str()) { without_variable(flag) } else { flag }
    })
}

/// What an error is about.
fn about(error: &Error) -> (ErrorKind, Option<&ContextValue>, Option<&ContextValue>) {
    (error.kind(), error.get(ContextKind::InvalidArg), error.get(ContextKind::InvalidValue))
}

/// The same error, with a line for each variable that it is about.
fn with_variables(
    mut error: Error,
    command: &Command,
    words: &[OsString],
    given: &HashSet<String>,
) -> Error {
    let mut built = command.clone();
    built.build();
    let name = words.iter().skip(1).find_map(|word| built.find_subcommand(word));
    let mut flags = Vec::new();
    for kind in [ContextKind::InvalidArg, ContextKind::PriorArg] {
        match error.get(kind) {
            Some(ContextValue::String(flag)) => flags.push(flag.clone()),
            Some(ContextValue::Strings(list)) => flags.extend(list.iter().cloned()),
            _ => {}
        }
    }
    let mut tips: Vec<StyledStr> = Vec::new();
    for flag in name.into_iter().flat_map(Command::get_arguments) {
        let Some((variable, value)) =
            flag.get_env().and_then(|name| Some((name, std::env::var_os(name)?)))
        else {
            continue;
        };
        let variable = variable.to_string_lossy();
        if given.contains(flag.get_id().as_str()) {
            continue;
        }
        let shown = flag.to_string();
        if flags.contains(&shown) {
            tips.push(format!("'{shown}' is from the variable {variable}").into());
        } else if error.kind() == ErrorKind::InvalidUtf8 && value.to_str().is_none() {
            tips.push(format!("the variable {variable} is not UTF-8 text").into());
        }
    }
    if !tips.is_empty() {
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(tips));
    }
    error
}
