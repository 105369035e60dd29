//! What to do about words that no flag has: those of `docker run`, and a command that is not after `--`.

use clap::Error;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Flags of `docker run` that say nothing about a spec, with what to use instead. docs/docker-run.md lists them.
const OF_DOCKER: [(&str, &str); 15] = [
    ("--name", "use --id"),
    ("--restart", CALLER),
    ("--publish", NETWORK),
    ("-p", NETWORK),
    ("--rm", CALLER),
    ("--detach", CALLER),
    ("-d", CALLER),
    ("--interactive", CALLER),
    ("-i", CALLER),
    ("--stop-timeout", CALLER),
    ("--link", NETWORK),
    ("--dns", FILES),
    ("--add-host", FILES),
    ("--health-cmd", CALLER),
    ("--log-driver", CALLER),
];

const CALLER: &str = "it is for the program that runs the container";
const NETWORK: &str = "it is for the program that makes the network, for example a CNI plugin";
const FILES: &str = "write the file, and mount it with --volume";

/// The same error, with what to do about the word that is not known.
pub(super) fn explained(mut error: Error) -> Error {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidArg).cloned() else {
        return error;
    };
    if error.kind() != ErrorKind::UnknownArgument {
        return error;
    }
    let flag = word.split('=').next().unwrap_or_default();
    let tip = match OF_DOCKER.iter().find(|(name, _)| *name == flag) {
        Some((name, instead)) => format!("{name} of docker run is not part of a spec: {instead}"),
        None if !word.starts_with('-') && takes_command(&error) => {
            format!("the command to run comes after two dashes: -- {word}")
        }
        None => return error,
    };
    error.remove(ContextKind::SuggestedArg);
    if word.starts_with('-') {
        // It shows the flag that clap takes for a similar one.
        error.remove(ContextKind::Usage);
    }
    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    error
}

/// Whether the usage of the command has the command of a container.
fn takes_command(error: &Error) -> bool {
    error.get(ContextKind::Usage).is_some_and(|usage| usage.to_string().contains("<COMMAND>"))
}
