//! The flags of a process: those of an exec, and those of a container alone.

use super::{read, some};
use crate::api::pb::specd as pb;
use crate::commands::Failure;
use crate::commands::flag_values::switch;
use clap::Args;
use std::collections::HashSet;

/// The limits of a process that have a name at Docker. Docker: `units.ParseUlimit`.
const LIMITS: [&str; 15] = [
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
];

/// Changes to the process of a container or of an exec.
#[derive(Debug, Clone, Default, Args)]
pub(in crate::commands) struct ProcessOptionArgs {
    /// Set an environment variable with KEY=VALUE, or remove it with KEY; may be repeated
    #[arg(long, short = 'e', value_name = "KEY[=VALUE]", env = "SPECD_ENV")]
    pub(in crate::commands) env: Vec<String>,
    /// A file with a variable KEY=VALUE in each line, which --env overrides; may be repeated
    #[arg(long, value_name = "FILE", env = "SPECD_ENV_FILE")]
    env_file: Vec<String>,
    /// The working directory
    #[arg(long, short = 'w', visible_alias = "cwd", value_name = "PATH", env = "SPECD_WORKDIR")]
    workdir: Option<String>,
    /// The user: USER, UID, USER:GROUP, UID:GID, UID:GROUP or USER:GID
    #[arg(long, short = 'u', value_name = "USER", env = "SPECD_USER")]
    user: Option<String>,
    /// A group to add, by name or GID; may be repeated
    #[arg(long, visible_alias = "group", value_name = "GROUP", env = "SPECD_GROUP_ADD")]
    group_add: Vec<String>,
    /// Attach a terminal
    #[arg(long, short = 't', visible_alias = "terminal", value_name = "BOOL", env = "SPECD_TTY", value_parser = switch(), num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    tty: Option<bool>,
}

impl ProcessOptionArgs {
    /// The options of the process and of its user.
    pub(in crate::commands) fn options(
        self,
        command: Vec<String>,
    ) -> Result<(pb::ProcessOptions, Option<pb::UserOptions>), Failure> {
        let Self {
            env: named,
            env_file,
            workdir: cwd,
            user,
            group_add: additional_groups,
            tty: terminal,
        } = self;
        let mut env = Vec::new();
        for path in env_file {
            let variables = variables(&read("env-file", &path)?);
            env.extend(
                variables
                    .map_err(|error| Failure::usage(format_args!("--env-file: {path}, {error}")))?,
            );
        }
        env.extend(named);
        keep_last_of_each_key(&mut env);
        let command = (!command.is_empty()).then_some(pb::StringList { values: command });
        let process = pb::ProcessOptions { command, env, cwd, terminal, ..Default::default() };
        Ok((process, some(pb::UserOptions { user, additional_groups, ..Default::default() })))
    }
}

/// Keeps the last entry of each key. Docker leaves all of them in the spec, of which runc takes the last.
fn keep_last_of_each_key(env: &mut Vec<String>) {
    let key = |entry: &str| entry.split('=').next().unwrap_or_default().to_owned();
    let mut seen = HashSet::new();
    env.reverse();
    env.retain(|entry| seen.insert(key(entry)));
    env.reverse();
}

/// The variables of a file, without empty lines and comments. Docker: `kvfile.Parse`, which takes the value of a variable
/// without one from its own environment; here the same flags always give the same spec.
fn variables(text: &str) -> Result<Vec<String>, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = text.lines().map(str::trim_start).enumerate();
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let read = |(index, line): (usize, &str)| {
        let number = index + 1;
        let (key, value) = line.split_once('=').unzip();
        let key = key.unwrap_or(line);
        if key.is_empty() || key.contains(char::is_whitespace) {
            return Err(format!(
                "line {number}: expected KEY=VALUE, and a key without white space"
            ));
        }
        if value.is_none() {
            return Err(format!(
                "line {number}: {key} has no value: write {key}=VALUE here, or --env {key} to remove it"
            ));
        }
        Ok(line.to_owned())
    };
    lines.map(read).collect()
}

/// Parses `nofile=1024:2048`: the soft limit, then the hard one, which is the same if it is left out.
pub(super) fn ulimit(text: &str) -> Result<pb::Rlimit, String> {
    let limit = |text: &str| match text {
        "-1" => Some(u64::MAX),
        _ => text.parse().ok().filter(|_| !text.starts_with('+')),
    };
    let limits = |text: &str| {
        let (soft, hard) = text.split_once(':').unwrap_or((text, text));
        Some((limit(soft)?, limit(hard)?))
    };
    let found = text.split_once('=').and_then(|(name, text)| Some((name, limits(text)?)));
    let Some((name, (soft, hard))) = found else {
        return Err(
            "expected NAME=SOFT[:HARD], -1 for no limit, for example nofile=1024:2048".to_owned()
        );
    };
    if !LIMITS.contains(&name) {
        return Err(format!("unknown limit {name:?}, expected one of {}", LIMITS.join(", ")));
    }
    if soft > hard {
        return Err("expected a soft limit that is not above the hard limit".to_owned());
    }
    Ok(pb::Rlimit { r#type: format!("RLIMIT_{}", name.to_ascii_uppercase()), hard, soft })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{options, parse, refused};
    use super::*;

    #[test]
    fn a_later_variable_replaces_an_earlier_one_and_flags_come_after_files() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(
            &file,
            "\u{feff}# a comment\n\n  A=1\r\nB= 2 # no comment\nC=\nA=3=4\nD=\nE=5\n",
        )
        .unwrap();
        let path = file.path().to_str().unwrap();
        let found = parse(&["-e", "E", "--env-file", path, "--env", "D=3", "-e", "D=4"]).unwrap();
        let env = found.process.unwrap().env;
        assert_eq!(env, ["B= 2 # no comment", "C=", "A=3=4", "E", "D=4"]);
        for (text, words) in [
            (
                "A=1\nHOME\n",
                "line 2: HOME has no value: write HOME=VALUE here, or --env HOME to remove it",
            ),
            ("=1", "line 1: expected KEY=VALUE"),
            ("A B=1", "line 1: expected KEY=VALUE, and a key without white space"),
            ("A =1", "line 1: expected KEY=VALUE"),
        ] {
            std::fs::write(&file, text).unwrap();
            let error = parse(&["--env-file", file.path().to_str().unwrap()]).unwrap_err();
            assert!(error.starts_with("--env-file: /") && error.contains(words), "{text}: {error}");
        }
        assert!(
            parse(&["--env-file", "/nowhere"])
                .unwrap_err()
                .starts_with("--env-file: cannot read /nowhere")
        );
    }

    #[test]
    fn a_limit_has_a_soft_and_a_hard_value() {
        for (text, kind, soft, hard) in [
            ("nofile=1024:2048", "RLIMIT_NOFILE", 1024, 2048),
            ("nproc=3", "RLIMIT_NPROC", 3, 3),
            ("core=0", "RLIMIT_CORE", 0, 0),
            ("memlock=-1", "RLIMIT_MEMLOCK", u64::MAX, u64::MAX),
            ("memlock=1:-1", "RLIMIT_MEMLOCK", 1, u64::MAX),
        ] {
            let found = options(&format!("--ulimit {text}")).process.unwrap().rlimits;
            assert_eq!(found, [pb::Rlimit { r#type: kind.to_owned(), soft, hard }], "{text}");
        }
        for (text, words) in [
            ("nofile", "'--ulimit <NAME=SOFT[:HARD]>': expected NAME=SOFT[:HARD]"),
            ("nofile=", "expected NAME=SOFT"),
            ("nofile=1:", "expected NAME=SOFT"),
            ("nofile=1:2:3", "expected NAME=SOFT"),
            ("nofile=x", "expected NAME=SOFT"),
            ("nofile=-2", "expected NAME=SOFT"),
            ("nofile=2048:1024", "not above the hard limit"),
            ("nofile=-1:1024", "not above the hard limit"),
            ("NOFILE=1", "unknown limit \"NOFILE\", expected one of core, cpu"),
            ("as=1", "unknown limit \"as\""),
        ] {
            refused(&format!("--ulimit {text}"), words);
        }
    }

    #[test]
    fn the_process_of_a_container_is_what_the_flags_say() {
        let found = options("-u app:44 -w /srv -t --group-add 7 --group-add media -e A=1");
        let (process, user) = (found.process.unwrap(), found.user.unwrap());
        assert_eq!((process.cwd.as_deref(), process.terminal), (Some("/srv"), Some(true)));
        assert_eq!(
            (user.user.as_deref(), user.additional_groups),
            (Some("app:44"), vec!["7".to_owned(), "media".to_owned()])
        );
        assert_eq!(options("--tty=false").process.unwrap().terminal, Some(false));
    }
}
