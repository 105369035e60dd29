//! The flags of the container's labels. The signal that stops it is one of them.

use crate::domain::labels::STOP_SIGNAL;
use clap::Args;
use std::collections::BTreeMap;

/// The signals of Linux without `SIG`. Docker: `signal.SignalMap`, which also has RTMIN and RTMAX with a distance.
const SIGNALS: [&str; 36] = [
    "ABRT", "ALRM", "BUS", "CHLD", "CLD", "CONT", "FPE", "HUP", "ILL", "INT", "IO", "IOT", "KILL",
    "PIPE", "POLL", "PROF", "PWR", "QUIT", "SEGV", "STKFLT", "STOP", "SYS", "TERM", "TRAP", "TSTP",
    "TTIN", "TTOU", "URG", "USR1", "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ", "RTMIN", "RTMAX",
];

/// Labels of the container.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Labels of the container")]
pub(in crate::commands) struct LabelArgs {
    /// A label of the container, empty without a value; may be repeated
    #[arg(long, short = 'l', value_name = "KEY[=VALUE]", env = "SPECD_LABEL", value_parser = label)]
    label: Vec<(String, String)>,
    /// The signal that stops the container, by name or number [default: the image's, or SIGTERM]
    #[arg(long, value_name = "SIGNAL", env = "SPECD_STOP_SIGNAL", value_parser = signal)]
    stop_signal: Option<String>,
}

impl LabelArgs {
    /// The labels of the request.
    pub(in crate::commands) fn labels(self) -> BTreeMap<String, String> {
        let Self { label, stop_signal } = self;
        let stop_signal = stop_signal.map(|signal| (STOP_SIGNAL.to_owned(), signal));
        label.into_iter().chain(stop_signal).collect()
    }
}

/// Parses `KEY=VALUE` or `KEY`. Docker: `opts.ValidateLabel`.
fn label(text: &str) -> Result<(String, String), &'static str> {
    let (key, value) = text.split_once('=').unwrap_or((text, ""));
    if key.is_empty() || key.contains([' ', '\t']) {
        return Err("expected KEY or KEY=VALUE, and a key without white space");
    }
    Ok((key.to_owned(), value.to_owned()))
}

/// Checks a signal: a number, or a name with or without `SIG`. Docker: `signal.ParseSignal`.
fn signal(text: &str) -> Result<String, &'static str> {
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    let distance = |start: &str, most: u8| {
        let number = name.strip_prefix(start).and_then(|rest| rest.parse::<u8>().ok());
        number.is_some_and(|number| (1..=most).contains(&number))
    };
    let is_number = text.parse::<u8>().is_ok_and(|number| (1..=64).contains(&number));
    if is_number || SIGNALS.contains(&name) || distance("RTMIN+", 15) || distance("RTMAX-", 14) {
        return Ok(text.to_owned());
    }
    Err("expected the name or the number of a signal, for example SIGQUIT, HUP, RTMIN+3 or 15")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Flags {
        #[command(flatten)]
        labels: LabelArgs,
    }

    fn labels(flags: &[&str]) -> Result<BTreeMap<String, String>, String> {
        let flags = Flags::try_parse_from(["specd"].iter().chain(flags));
        flags.map(|flags| flags.labels.labels()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_label_has_a_key_and_perhaps_a_value() {
        let found = labels(&["--label", "a=b=c d", "-l", "empty", "-l", "a.b/c=", "-l", "empty=1"]);
        let wanted = [("a", "b=c d"), ("empty", "1"), ("a.b/c", "")];
        assert_eq!(found, Ok(wanted.map(|(k, v)| (k.to_owned(), v.to_owned())).into()));
        for text in ["", "=b", " =b", "a b=c", "a\tb"] {
            let error = labels(&["--label", text]).unwrap_err();
            assert!(error.contains("expected KEY or KEY=VALUE"), "{text}: {error}");
        }
    }

    #[test]
    fn the_stop_signal_is_a_label() {
        for text in ["SIGQUIT", "quit", "SIGRTMIN+3", "RTMAX-14", "rtmin", "15", "64"] {
            let found = labels(&["--label", &format!("{STOP_SIGNAL}=1"), "--stop-signal", text]);
            assert_eq!(found, Ok([(STOP_SIGNAL.to_owned(), text.to_owned())].into()));
        }
        for text in ["", "0", "65", "SIG", "QUITE", "RTMIN+16", "RTMAX-0", "SIGSIGQUIT"] {
            let error = labels(&["--stop-signal", text]).unwrap_err();
            assert!(error.contains("the name or the number of a signal"), "{text}: {error}");
        }
    }
}
