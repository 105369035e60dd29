//! `specd completions` and `specd man-pages`: what a package installs beside the program.

use crate::commands::{Cli, Failure, print};
use clap::{Args, CommandFactory};
use clap_complete::Shell;
use std::path::PathBuf;

/// Flags of `completions`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  specd completions bash > /usr/share/bash-completion/completions/specd\n  \
                  specd completions zsh > /usr/share/zsh/site-functions/_specd\n  \
                  specd completions fish > /usr/share/fish/vendor_completions.d/specd.fish"
)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Flags of `man-pages`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:\n  specd man-pages /usr/share/man/man1")]
pub struct ManPagesArgs {
    /// The directory to write a page for each command into; it is created if it does not exist
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

pub(super) fn run(args: &CompletionsArgs) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), env!("CARGO_PKG_NAME"), &mut script);
    print(String::from_utf8(script).map_err(Failure::run)?.trim_end())
}

pub(super) fn write_man_pages(args: ManPagesArgs) -> Result<(), Failure> {
    let ManPagesArgs { directory } = args;
    std::fs::create_dir_all(&directory)
        .and_then(|()| clap_mangen::generate_to(Cli::command(), &directory))
        .map_err(|error| {
            Failure::run(format_args!("cannot write to {}: {error}", directory.display()))
        })
}
