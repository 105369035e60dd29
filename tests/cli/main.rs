//! The command as people type it: what it prints, and how it ends.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod browser;
mod bundle;
mod chart;
mod chart_values;
mod completions;
mod cookbook;
mod docker_flags;
mod explain;
mod explain_page;
mod generate;
mod host;
mod option_files;
mod profiles;
mod protocols;
mod serve;
#[path = "../support"]
mod support {
    pub(crate) mod control_group;
    pub(crate) mod cookbook;
    pub(crate) mod layout;
    pub(crate) mod say;
}
mod tasks;
mod units;
mod validate;
mod variables;
mod web_page;

use std::process::{Command, Output};

/// `specd` with these arguments, and with nothing of it in the environment.
fn specd(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_specd"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SPECD_")) {
        command.env_remove(name);
    }
    command.args(args);
    command
}

/// What a command says.
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

/// Runs a command to its end.
fn run(args: &[&str]) -> Said {
    said(&specd(args).output().unwrap())
}

fn said(output: &Output) -> Said {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    Said { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
}
