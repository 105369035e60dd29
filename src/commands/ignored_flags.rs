//! Flags that would have no effect beside others.

use crate::commands::profile_files::ProfileDirArgs;
use crate::commands::service::ServerArgs;
use crate::commands::source::{HostArgs, SourceArgs};
use crate::commands::{Cli, Failure};
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, CommandFactory};

/// Refuses the flags about what the called server has of its own, and flags about a server where none is called.
///
/// A variable may be meant for another command, so it is not refused, except one of two that name the source of images.
pub(super) fn refuse(matches: &ArgMatches) -> Result<(), Failure> {
    let command = Cli::command();
    let Some((name, given)) = matches.subcommand() else { return Ok(()) };
    let Some(command) = command.find_subcommand(name).filter(|command| has(command, "server"))
    else {
        return Ok(());
    };
    let server = given.get_one::<String>("server");
    for flag in command.get_arguments() {
        let id = flag.get_id().as_str();
        match given.value_source(id) {
            Some(ValueSource::CommandLine) => {}
            Some(ValueSource::EnvVariable) if id == "oci_layout" => {}
            _ => continue,
        }
        let flag = flag.get_long().unwrap_or(id);
        match server {
            Some(server) => {
                if let Some(reason) = reason_of_server(id) {
                    return Err(Failure::usage(format_args!(
                        "--{flag}: the server at {server} {reason}: give this flag to \"specd serve\""
                    )));
                }
            }
            None if has(&flags_of::<ServerArgs>(), id) => {
                return Err(Failure::usage(format_args!(
                    "--{flag}: no server is called: add --server ADDRESS"
                )));
            }
            None => {}
        }
    }
    Ok(())
}

/// Why a server takes no notice of a flag.
fn reason_of_server(id: &str) -> Option<&'static str> {
    if has(&flags_of::<HostArgs>(), id) {
        return Some("reads the host itself");
    }
    if has(&flags_of::<ProfileDirArgs>(), id) {
        return Some("has profiles of its own");
    }
    // The platform is part of the request.
    let is_source = id != "platform" && has(&flags_of::<SourceArgs>(), id);
    is_source.then_some("reads images itself")
}

fn flags_of<A: Args>() -> Command {
    A::augment_args(Command::new("flags"))
}

fn has(command: &Command, id: &str) -> bool {
    command.get_arguments().any(|flag| flag.get_id() == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is wrong with these words.
    fn refused(words: &[&str]) -> Option<String> {
        let matches = Cli::command().try_get_matches_from(["specd"].iter().chain(words)).unwrap();
        refuse(&matches).err().map(|error| error.to_string())
    }

    /// The arguments that a command cannot do without.
    fn called(command: &str) -> Vec<&str> {
        match command {
            "process" => vec!["process", "web-1", "--server", "S"],
            _ => vec![command, "busybox", "--server", "S"],
        }
    }

    #[test]
    fn a_flag_that_a_server_takes_no_notice_of_is_refused() {
        const SOURCE: &str = "reads images itself";
        const HOST: &str = "reads the host itself";
        let of_all = [
            ("containerd", "/x", SOURCE),
            ("snapshot-root", "/x", SOURCE),
            ("snapshot-timeout", "5s", SOURCE),
            ("profiles-dir", "/x", "has profiles of its own"),
        ];
        let of_requests = [
            ("oci-layout", "/x", SOURCE),
            ("host-facts", "/x", HOST),
            ("thermal-throttle-cpus", "0-3", HOST),
            ("kernel", "6.1", HOST),
            ("last-capability", "40", HOST),
            ("cgroup-version", "2", HOST),
            ("apparmor-profiles", "x", HOST),
            ("runtime-features", "/x", HOST),
            ("dev-root", "/x", HOST),
            ("cdi-spec-dir", "/x", HOST),
        ];
        for command in ["generate", "explain", "process"] {
            let requests = if command == "process" { &[][..] } else { &of_requests };
            for (flag, value, reason) in of_all.iter().chain(requests) {
                let flag = format!("--{flag}");
                let mut words = called(command);
                words.extend([flag.as_str(), value]);
                words.extend(["--", "sh"]);
                let want =
                    format!("{flag}: the server at S {reason}: give this flag to \"specd serve\"");
                assert_eq!(refused(&words), Some(want), "{words:?}");
            }
            let cli = Cli::command();
            let flags = cli.find_subcommand(command).unwrap().get_opts();
            let found = flags.filter(|flag| reason_of_server(flag.get_id().as_str()).is_some());
            assert_eq!(found.count(), of_all.len() + requests.len(), "{command}");
        }
        for flags in [&["--platform", "linux/arm64"][..], &["--snapshotter", "native"]] {
            assert_eq!(refused(&[&called("generate"), flags].concat()), None);
        }
        assert_eq!(refused(&["generate", "busybox", "--kernel", "6.1"]), None);
    }

    #[test]
    fn a_flag_about_the_call_of_a_server_needs_one() {
        for flag in [["--tls-ca", "/x"], ["--timeout", "5s"]] {
            let want = format!("{}: no server is called: add --server ADDRESS", flag[0]);
            let without = [&["generate", "busybox"][..], &flag].concat();
            assert_eq!(refused(&without), Some(want));
            assert_eq!(refused(&[&called("generate"), &flag[..]].concat()), None);
            assert_eq!(refused(&[&["health"][..], &flag].concat()), None);
        }
    }
}
